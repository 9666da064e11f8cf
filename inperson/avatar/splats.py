"""A posed avatar as a plain 3D-Gaussian-splatting scene: what other people's viewers open."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.appearance import C0, diffuse_color, turned_sh
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.conventions import quat_xyzw_from_wxyz

LEAST_OPACITY, MOST_OPACITY = 1e-6, 1.0 - 1e-6
"""Formats keep the logit of an opacity, which must be finite."""
LEAST_SCALE = 1e-7
"""Metres; formats keep logarithms."""


@dataclass(frozen=True, slots=True)
class SplatScene:
    """N Gaussians in the world: right-handed, y up, metres; a person in T-pose faces +z. float32."""

    name: str
    means: Float[np.ndarray, "N 3"]
    quats: Float[np.ndarray, "N 4"]
    """wxyz, unit length."""
    log_scales: Float[np.ndarray, "N 3"]
    """Natural logarithm of standard deviations in metres."""
    logits: Float[np.ndarray, " N"]
    """Of opacities."""
    sh: Float[np.ndarray, "N K 3"]
    """Directions in the world; K = 1, 4 or 9. Viewers show 0.5 + sum of basis x coefficient, sRGB-encoded."""
    normals: Float[np.ndarray, "N 3"]


def splat_scene(avatar: GaussianAvatar, posed: PosedGaussians) -> SplatScene:
    """The scene that `posed`, the avatar posed without an eye, shows to every eye.

    The harmonics turn with their faces; what a residual adds to the colour goes into the first of them.
    """
    to_world = Rotation.from_quat(quat_xyzw_from_wxyz(posed.quats))
    to_face = Rotation.from_quat(quat_xyzw_from_wxyz(avatar.quats))
    sh = turned_sh(avatar.sh.astype(np.float64), (to_world * to_face.inv()).as_matrix()).astype(np.float32)
    first = sh[:, :1] + ((posed.colors - diffuse_color(avatar.sh)) / C0)[:, None]
    opacities = np.clip(posed.opacities.astype(np.float64), LEAST_OPACITY, MOST_OPACITY)
    return SplatScene(
        name=avatar.name,
        means=posed.means,
        quats=posed.quats,
        log_scales=np.log(np.maximum(posed.scales, LEAST_SCALE)),
        logits=np.log(opacities / (1.0 - opacities)).astype(np.float32),
        sh=np.concatenate([first, sh[:, 1:]], axis=1),
        normals=posed.normals,
    )
