"""`AnchorFollower`: where the anchors of a known person are in frame after frame of one camera.

An anchor that was seen in the last frame is carried on by pyramidal Lucas-Kanade (OpenCV's), one that was not is
looked for where the body should have it. Either way the last word is the reference picture's: a patch of it, bent as
the body has turned since, is shifted to where it fits (`anchors_patch`). So nothing drifts; and what does not look
like the reference, because a hand is before it or the cloth has folded, is not believed.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from inperson.conventions import Intrinsics
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.anchors_patch import align_patches
from inperson.tracking.anchors_project import AnchorModel
from inperson.tracking.fit.problem import Anchors, Skeleton
from inperson.tracking.fit.so3 import exp_all

SIGMA = 1.5
"""Standard deviation of an anchor in the fit, pixels of a picture `LONGEST_SIDE` wide: more than the noise of
finding it, because cloth slides over the body that carries it."""
LONGEST_SIDE = 640
"""Pictures are looked at no larger than this."""
HALF_PATCH = 6
"""Patches are 2 HALF_PATCH + 1 pixels a side, at half size first, then at full size."""
ITERATIONS = 6
"""Of the alignment, at each size."""
LIKE_WHEN_FOLLOWED, LIKE_WHEN_FOUND = 0.6, 0.75
"""Normalised cross-correlation with the reference from which an anchor is believed."""
WANDER_WHEN_FOLLOWED, WANDER_WHEN_FOUND = 5.0, 8.0
"""Pixels by which the reference may correct where an anchor was looked for."""
ROUND_TRIP = 1.0
"""Pixels by which flow forwards and back again may miss its start."""
BENDS = (0.2, 5.0)
"""How much smaller or larger than in the reference (area) a patch may appear."""
ENOUGH = 5
"""Followed anchors from which the others are assumed to have moved alike."""


class AnchorFollower:
    """Follows one person's anchors. One per camera.

    Args:
        anchors: what to follow.
        skeleton: the person's, with all betas of the profile.
    """

    def __init__(self, anchors: AnchorSet, skeleton: Skeleton) -> None:
        self.anchors = anchors
        self._model = AnchorModel(anchors, skeleton)
        self._reference = _two_sizes(anchors.picture)
        rotations = exp_all(anchors.state.full_pose.astype(np.float64))
        at_reference = self._model.project(rotations, anchors.state.transl.astype(np.float64), anchors.intrinsics)
        self._reference_bends = at_reference.bends
        self._last: UInt8[np.ndarray, "h w"] | None = None
        self._pixels = np.zeros((len(anchors), 2))
        self._seen = np.zeros(len(anchors), bool)

    @property
    def seen(self) -> Bool[np.ndarray, " N"]:
        """Which anchors were found in the last picture."""
        return self._seen

    def forget(self) -> None:
        """The next picture has nothing to do with the last."""
        self._last = None

    def look(
        self,
        image: UInt8[np.ndarray, "H W 3"],
        rotations: Float[np.ndarray, "55 3 3"],
        transl: Float[np.ndarray, "3"],
        intrinsics: Intrinsics,
    ) -> Anchors:
        """The anchors in the next picture.

        Args:
            image: the picture.
            rotations, transl: the pose as far as it is known, in the camera's space.
            intrinsics: the camera.
        """
        scale = min(1.0, LONGEST_SIDE / max(intrinsics.width, intrinsics.height))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if scale < 1.0:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        expected = self._model.project(rotations, transl, intrinsics)
        start, followed = self._carried_on(grey, expected.pixels * scale)
        bends = self._reference_bends @ np.linalg.inv(scale * expected.bends + 1e-9 * np.eye(2))
        area = np.abs(np.linalg.det(bends))
        usable = (area > BENDS[0]) & (area < BENDS[1]) & _within(start, grey)
        found, likeness = self._aligned(_two_sizes(grey), start, bends)
        wandered = np.linalg.norm(found - start, axis=1)
        seen = usable & np.where(
            followed,
            (likeness > LIKE_WHEN_FOLLOWED) & (wandered < WANDER_WHEN_FOLLOWED),
            (likeness > LIKE_WHEN_FOUND) & (wandered < WANDER_WHEN_FOUND),
        )
        self._last, self._pixels, self._seen = grey, found, seen
        model = self._model
        return Anchors(model.carrier, model.weight, model.offset, found / scale, seen * (scale / SIGMA))

    def _carried_on(
        self, grey: UInt8[np.ndarray, "h w"], expected: Float[np.ndarray, "N 2"]
    ) -> tuple[Float[np.ndarray, "N 2"], Bool[np.ndarray, " N"]]:
        """Where to look for each anchor, and which of them flow has carried there."""
        start, followed = expected.copy(), np.zeros(len(expected), bool)
        if self._last is None or not self._seen.any():
            return start, followed
        ids = np.flatnonzero(self._seen)
        moved, sure = _flow(self._last, grey, self._pixels[ids])
        followed[ids[sure]] = True
        if sure.sum() >= ENOUGH:
            start += np.median(moved[sure] - expected[ids[sure]], axis=0)
        start[ids[sure]] = moved[sure]
        return start, followed

    def _aligned(
        self,
        sizes: tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "g v"]],
        start: Float[np.ndarray, "N 2"],
        bends: Float[np.ndarray, "N 2 2"],
    ) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, " N"]]:
        """Where the reference's patches fit, and how well: at half size, then at full size."""
        found, likeness = start, np.zeros(len(start))
        for level in (1, 0):
            shrink = 0.5**level
            places, begin, out = self.anchors.pixels * shrink, found * shrink, np.empty_like(start)
            align_patches(
                self._reference[level], sizes[level], places, bends, begin, HALF_PATCH, ITERATIONS, out, likeness
            )
            found = out / shrink
        return found, likeness


def _two_sizes(
    grey: UInt8[np.ndarray, "H W"],
) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "h w"]]:
    """The picture with its noise smoothed, at full and at half size."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float32)
    return smooth, cv2.resize(smooth, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def _within(pixels: Float[np.ndarray, "N 2"], grey: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, " N"]:
    height, width = grey.shape
    return np.all((pixels > 2) & (pixels < (width - 2, height - 2)), axis=1)


def _flow(
    last: UInt8[np.ndarray, "h w"], grey: UInt8[np.ndarray, "h w"], pixels: Float[np.ndarray, "N 2"]
) -> tuple[Float[np.ndarray, "N 2"], Bool[np.ndarray, " N"]]:
    """Where pixels of the last picture are in this one, and which of them come back to their start."""
    window, levels = (15, 15), 3
    begin = (pixels - 0.5).astype(np.float32)[:, None]  # OpenCV counts from the first pixel's centre
    there, known, _ = cv2.calcOpticalFlowPyrLK(last, grey, begin, begin.copy(), winSize=window, maxLevel=levels)
    back, known_back, _ = cv2.calcOpticalFlowPyrLK(grey, last, there, begin.copy(), winSize=window, maxLevel=levels)
    returned = np.linalg.norm(back - begin, axis=2)[:, 0] < ROUND_TRIP
    sure = returned & (known[:, 0] > 0) & (known_back[:, 0] > 0)
    return there[:, 0].astype(np.float64) + 0.5, sure
