"""Eyeballs, whole: a photo shows a sliver of each between the lids, and when the eye turns the rest comes out.

An eye looks the same all around its axis. So what is seen of pupil, iris and white, at their angles from the axis,
colours the whole ring; where too little is seen, the other eye's, or the usual.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.body import JOINT_NAMES, LEFT_EYE, RIGHT_EYE
from inperson.reconstruct.stages import DressedSurface, SeenSites, Sites
from inperson.reconstruct.surface.places import at_places, part_of_faces

IRIS_METRES = 0.0059
"""Half the visible iris' width, the same in nearly all adults (Ruefer et al. 2005)."""
PUPIL_SHARE = 0.38
"""Of the iris' radius, indoors."""
LIMBUS_SHARE = 0.16
"""Of the iris' radius: how wide the dark border towards the white is."""
WHITE_END = np.deg2rad(60.0)
"""Whites farther from the axis lie behind the lids in any photo; what is sampled there is lid."""
USUAL_WHITE = np.array([0.90, 0.87, 0.85])
USUAL_IRIS = np.array([0.36, 0.25, 0.18])
PUPIL = np.array([0.06, 0.05, 0.05])
"""sRGB-encoded, where white is 1."""
LEAST_AREA = 4e-6
"""Square metres seen of an iris or of a white before it is believed."""
WHITE_QUANTILE = 0.7
"""Of the seen white's brightness: lashes and lids darken the rest."""


def with_eyes(
    colors: Float[np.ndarray, "N 3"], sites: Sites, seen: SeenSites, surface: DressedSurface, white: float
) -> Float[np.ndarray, "N 3"]:
    """Colours of all sites with those of the eyeballs replaced.

    Args:
        white: the photo's level of white (`mouth.white_level`).
    """
    body = surface.body
    if body.vertex_part is None:
        return colors
    part = part_of_faces(body)[sites.face_index]
    rest = body.shaped(surface.betas)
    points = at_places(rest, body.faces, sites.face_index, sites.barycentric)
    joints = np.asarray(body.J_regressor @ rest)
    angle, radius = np.zeros(len(points)), np.ones(len(points))
    for which, joint in ((LEFT_EYE, "left_eye"), (RIGHT_EYE, "right_eye")):
        mine = part == which
        off = points[mine] - joints[JOINT_NAMES.index(joint)]
        radius[mine] = np.linalg.norm(off, axis=1)
        angle[mine] = np.arccos(np.clip(off[:, 2] / np.maximum(radius[mine], 1e-9), -1.0, 1.0))
    iris_angle = np.arcsin(np.clip(IRIS_METRES / radius, 0.0, 1.0))

    area = seen.confidence * sites.spacing.astype(np.float64) ** 2
    eyes = (part == LEFT_EYE) | (part == RIGHT_EYE)
    share = angle / iris_angle
    pair = _Looks.of(seen, area, eyes, share, angle, _Looks(white * USUAL_WHITE, white * USUAL_IRIS))
    out = colors.copy()
    for which in (LEFT_EYE, RIGHT_EYE):
        mine = part == which
        out[mine] = _Looks.of(seen, area, mine, share, angle, pair).at(share[mine], white)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Looks:
    """What one eye is like."""

    white: Float[np.ndarray, "3"]
    iris: Float[np.ndarray, "3"]

    @staticmethod
    def of(
        seen: SeenSites,
        area: Float[np.ndarray, " N"],
        mine: Bool[np.ndarray, " N"],
        share: Float[np.ndarray, " N"],
        angle: Float[np.ndarray, " N"],
        usual: "_Looks",
    ) -> "_Looks":
        """From what is seen of an eye's rings."""
        iris = np.flatnonzero(mine & (share > PUPIL_SHARE) & (share < 1.0 - LIMBUS_SHARE) & (area > 0))
        around = np.flatnonzero(mine & (share > 1.0 + LIMBUS_SHARE) & (angle < WHITE_END) & (area > 0))
        found = usual
        if area[iris].sum() > LEAST_AREA:
            found = _Looks(found.white, np.median(seen.color[iris], axis=0))
        if area[around].sum() > LEAST_AREA:
            level = seen.color[around].mean(axis=1)
            bright = seen.color[around[level >= np.quantile(level, WHITE_QUANTILE)]].mean(axis=0)
            found = _Looks(np.maximum(bright, 0.6 * usual.white), found.iris)
        return found

    def at(self, share: Float[np.ndarray, " M"], white: float) -> Float[np.ndarray, "M 3"]:
        """Colours at angles from the axis, in units of the iris'."""

        def step(edge: float, width: float) -> Float[np.ndarray, "M 1"]:
            return np.clip((share - edge) / width + 0.5, 0.0, 1.0)[:, None]

        dark = 1.0 - 0.45 * np.exp(-(((share - 1.0 + 0.5 * LIMBUS_SHARE) / LIMBUS_SHARE) ** 2))[:, None]
        inner = white * PUPIL + step(PUPIL_SHARE, 0.12) * (dark * self.iris - white * PUPIL)
        return inner + step(1.0, 0.15) * (self.white - inner)
