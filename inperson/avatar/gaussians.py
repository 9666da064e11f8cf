"""The Gaussian avatar in its canonical form, and one posed set of Gaussians. Data only.

`GaussianAvatar` is bound to a body's surface; `inperson.avatar.posing` turns it and a `BodyState` into
`PosedGaussians`, once for both eyes. Names follow gsplat: means, quats, scales, opacities, sh.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8


@dataclass(frozen=True, slots=True)
class PosedGaussians:
    """N Gaussians in the world, ready for any rasteriser. float32, C-contiguous."""

    means: Float[np.ndarray, "N 3"]
    """World, metres."""
    quats: Float[np.ndarray, "N 4"]
    """wxyz, unit length; columns of the rotation are the Gaussian's axes in the world."""
    scales: Float[np.ndarray, "N 3"]
    """Standard deviations along the axes, metres."""
    opacities: Float[np.ndarray, " N"]
    """0 to 1."""
    colors: Float[np.ndarray, "N 3"]
    """sRGB-encoded, evaluated (not SH)."""
    normals: Float[np.ndarray, "N 3"]
    """World, unit length."""
    features: Float[np.ndarray, "N F"]
    """Channels for the video shader; F may be 0."""


@dataclass(frozen=True, slots=True)
class PoseResiduals:
    """What a pose changes about the Gaussians beyond what the body does to them: K low-rank components. float32.

    Component k counts c[k] = clip(weights[k] . (phi - mean), low[k], high[k]) times, where phi(state) are the
    body's pose, the jaw's and the expression (`avatar.residuals.pose_features`). It leaves out the hands, and the
    whole body's orientation and place: a residual never follows the viewpoint. The limits keep poses that were
    never seen from inventing residuals that were never seen.
    """

    weights: Float[np.ndarray, "K P"]
    mean: Float[np.ndarray, " P"]
    """Of phi where the residuals were learned."""
    low: Float[np.ndarray, " K"]
    high: Float[np.ndarray, " K"]
    offsets: Float[np.ndarray, "K N 3"]
    """Added to the avatar's offsets per unit of a coefficient: the face's frame, metres."""
    colors: Float[np.ndarray, "K N 3"]
    """Added to the colour that the harmonics give, per unit of a coefficient: sRGB-encoded."""


@dataclass(frozen=True, slots=True)
class ReferencePhoto:
    """The photo that an avatar was made from, and where each of its N Gaussians is seen in it.

    The video shader carries the photo's pixels to whatever view the Gaussians are drawn in
    (`shader_model.conditions.photo`). `avatar create` fills it (`reconstruct.reference_photo`).
    """

    image: UInt8[np.ndarray, "H W 4"]
    """The person alone, `LONGEST_PHOTO` pixels at most along a side: their own colours (sRGB-encoded, not
    premultiplied, free of background) and the matte's alpha."""
    places: Float[np.ndarray, "N 2"]
    """Where each Gaussian's mean is in `image`: shares of its width and height from the top-left corner, 0 to 1.
    float32. Meaningless where `trust` is 0."""
    trust: Float[np.ndarray, " N"]
    """How surely the photo shows the Gaussian there: 0 (hidden, turned away, outside) to 1. float32."""


LONGEST_PHOTO = 512
"""Pixels along the longer side of a `ReferencePhoto`."""


@dataclass(frozen=True, slots=True)
class PersonalShader:
    """What the live video shader learned of one person from their clip: a small change of its weights.

    `shader_model.personal` knows what the numbers mean; they fit one set of weights alone.
    """

    weights_sha256: str
    """Of the weights that are changed (`shader_model.personal.adapter.fingerprint`), 64 hexadecimal digits."""
    values: Float[np.ndarray, " A"]
    """The parameters of the change, in their order there. float32."""


@dataclass(frozen=True, slots=True)
class GaussianAvatar:
    """Canonical Gaussians bound to the surface of one body with one set of betas. float32.

    Gaussian n sits at `barycentric[n]` on `face_index[n]` of the shaped T-pose mesh, displaced by
    `offsets[n]` in that face's frame (tangent along the first edge, bitangent, normal; metres).
    `quats` and `scales` are in the same frame.
    """

    face_index: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    offsets: Float[np.ndarray, "N 3"]
    quats: Float[np.ndarray, "N 4"]
    """wxyz, in the face's frame."""
    scales: Float[np.ndarray, "N 3"]
    """Standard deviations, metres."""
    opacities: Float[np.ndarray, " N"]
    sh: Float[np.ndarray, "N K 3"]
    """Spherical-harmonic colour coefficients (K = 1, 4 or 9), directions in the face's frame, sRGB-encoded."""
    features: Float[np.ndarray, "N F"]
    betas: Float[np.ndarray, " B"]
    body_name: str
    """Which body the avatar was made for (`neutral`, `male`, `female`, or a licensed file's name)."""
    body_sha256: str
    """Of the body file, so that an avatar is never posed with another body unnoticed."""
    name: str
    provenance: dict[str, str]
    """How it was made: tool version, source, date, consent, licence (`avatar.provenance.Provenance` reads it)."""
    residuals: PoseResiduals | None = None
    """What pose and expression change beyond what the body does; None where nothing was learned."""
    reference: Float[np.ndarray, "T D"] | None = None
    """An embedding of the reference photo for the video shader: T tokens, D channels each, of the encoder that the
    shader was trained with. Whoever trains a shader that takes one writes it; `avatar create` leaves None, because
    it can be made of `photo` at any time."""
    photo: ReferencePhoto | None = None
    """The reference photo itself; None where none was kept (avatars made before there was a shader, or not made from
    a photo)."""
    personal: PersonalShader | None = None
    """How the video shader changes for this person; None where it learned nothing."""
