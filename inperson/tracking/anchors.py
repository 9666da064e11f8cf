"""`AnchorSet`: textured places on a person's surface, seen in one reference picture.

MediaPipe says where joints are to a few percent of a person's size. A printed shirt, a collar, an ear says where
the surface is to a fraction of a pixel, once it is known what it looks like and where on the body it sits. An avatar
made from a photo knows both. `anchors_choose` picks the places, `anchors_follow` finds them in new frames, and the
fit takes them as further pixels. Data only; a few hundred kilobytes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.tracking.profile import UserProfile


@dataclass(frozen=True, slots=True, eq=False)
class AnchorSet:
    """N anchors of one person, carried by up to K joints each."""

    profile: UserProfile
    """The person: body, all their betas, their face at rest."""
    picture: UInt8[np.ndarray, "H W"]
    """The reference picture in grey, no larger than needed."""
    intrinsics: Intrinsics
    """Of the camera that took it, for a picture of this size."""
    state: BodyState
    """The person in the reference picture, in its camera's space."""
    pixels: Float[np.ndarray, "N 2"]
    """Where each anchor is in the picture."""
    carriers: Int[np.ndarray, "N K"]
    """The joints that carry it, heaviest first."""
    weights: Float[np.ndarray, "N K"]
    """How much each carries; they add up to 1."""
    rest: Float[np.ndarray, "N 3"]
    """In the shaped T-pose, metres."""
    tangents: Float[np.ndarray, "N 2 3"]
    """Two steps along the surface there, T-pose axes, metres: a pose turns them, and a patch bends with them."""

    def __len__(self) -> int:
        return len(self.pixels)
