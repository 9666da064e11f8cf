"""What passes between the stages that make an avatar from a photo. Data only.

Photo -> Matte, PhotoFit -> DressedSurface -> SeenSites -> CanonicalGaussians -> GaussianAvatar.
The photo's camera stands in the world's origin and looks along -z, as everywhere in tracking.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState
from inperson.render.views import EyeView
from inperson.tracking.observation import Observation


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One picture, upright and un-mirrored."""

    image: UInt8[np.ndarray, "H W 3"]
    """RGB, sRGB-encoded, C-contiguous."""
    name: str
    """The file's name, for messages and the avatar's header."""
    sha256: str
    """Of the file's bytes."""
    focal: float | None = None
    """Focal length the camera noted down, in pixels of `image`; None where it did not."""


@dataclass(frozen=True, slots=True, eq=False)
class Matte:
    """The person cut out of a picture."""

    alpha: Float[np.ndarray, "H W"]
    """0 to 1, float32."""
    foreground: Float[np.ndarray, "H W 3"]
    """The person's own colours, sRGB-encoded 0 to 1, not premultiplied: free of background where alpha is below 1,
    and continued outwards a few pixels beyond the outline."""

    @property
    def inside(self) -> np.ndarray:
        """(H, W) bool: where the person covers more than half a pixel."""
        return self.alpha > 0.5


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFit:
    """The body as it stands in a photo."""

    body: BodyModel
    state: BodyState
    """In the camera's space (world = eye of `view`); its betas are the person's."""
    view: EyeView
    """The photo's camera, of the photo's size."""
    observation: Observation


@dataclass(frozen=True, slots=True, eq=False)
class DressedSurface:
    """The body's surface, pushed out to where clothes and hair are."""

    body: BodyModel
    betas: Float[np.ndarray, " B"]
    displacement: Float[np.ndarray, "V 3"]
    """Added to the shaped T-pose vertices, metres, T-pose axes; it turns with the surface when posed."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshPicture:
    """Which face of a mesh each pixel sees."""

    face_index: Int[np.ndarray, "H W"]
    """-1 where there is none."""
    barycentric: Float[np.ndarray, "H W 3"]
    """Perspective-correct."""
    depth: Float[np.ndarray, "H W"]
    """Metres along the view axis; 0 where nothing is."""


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """N places on a dressed surface where Gaussians (or texels) sit."""

    face_index: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    uv: Float[np.ndarray, "N 2"]
    """Texture coordinates of the body, v up."""
    base_offsets: Float[np.ndarray, "N 3"]
    """From the shaped body's surface to the dressed one, metres, T-pose axes."""
    spacing: Float[np.ndarray, " N"]
    """Distance to neighbours, metres."""

    def __len__(self) -> int:
        return len(self.face_index)


@dataclass(frozen=True, slots=True, eq=False)
class SeenSites:
    """What one picture shows of N sites."""

    pixels: Float[np.ndarray, "N 2"]
    """Where each site falls in the picture, also when something hides it."""
    color: Float[np.ndarray, "N 3"]
    """sRGB-encoded 0 to 1; meaningless where confidence is 0."""
    confidence: Float[np.ndarray, " N"]
    """0 (hidden, turned away, outside) to 1 (faces the camera, well inside the outline)."""
