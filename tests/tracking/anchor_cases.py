"""A person in a made-up picture whose anchors are known, shared by the tests of anchors."""

from dataclasses import replace

import cv2
import numpy as np

from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.anchors_choose import SurfaceHits, choose_anchors
from inperson.tracking.fit.skeleton import SkeletonModel
from inperson.tracking.ideal_observation import observe_state
from inperson.tracking.observation import Observation
from inperson.tracking.residuals import project
from tests.tracking.fit_cases import CAMERA, body, talking_state

MODEL = SkeletonModel.from_body(body(), body().num_betas)


def pattern(seed: int = 0) -> np.ndarray:
    """A picture full of corners of all sizes, (480, 640, 3) uint8."""
    rng = np.random.default_rng(seed)
    out = np.zeros((480, 640))
    for size in (4, 9, 20):
        out += cv2.GaussianBlur(rng.normal(0.0, 1.0, out.shape), (0, 0), size / 2) * size
    grey = np.clip(127 + 45 * out / out.std(), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def moved(image: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """The picture shifted, with the same pattern coming in at the edges."""
    shift = np.float32([[1, 0, dx], [0, 1, dy]])
    return cv2.warpAffine(image, shift, (640, 480), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def standing(seed: int = 1) -> BodyState:
    """Somebody before the camera."""
    return talking_state(np.random.default_rng(seed))


def seen(state: BodyState) -> Observation:
    """Perfect landmarks of a state."""
    return observe_state(MODEL, state, CAMERA)


def shifted(state: BodyState, dx: float, dy: float, depth: float = 1.5) -> BodyState:
    """The state moved across the view by pixels (exactly so at this depth, metres)."""
    move = np.array([dx * depth / CAMERA.fx, -dy * depth / CAMERA.fy, 0.0], np.float32)
    return replace(state, transl=state.transl + move)


def anchors_in(image: np.ndarray, state: BodyState) -> AnchorSet:
    """Anchors of somebody on whose front the picture's pattern is."""
    posed = BodyPoser(body(), state.betas).pose(state).vertices.astype(np.float64)
    corners = posed[body().faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middles = corners.mean(axis=1)
    front = np.flatnonzero((normals * middles).sum(axis=1) < 0)
    hits = SurfaceHits(middles[front], front, np.full((len(front), 3), 1 / 3))
    pixels = project(middles[front], CAMERA)
    inside = np.zeros((480, 640), np.uint8)
    for x, y in pixels[np.all((pixels > 0) & (pixels < (639, 479)), axis=1)].astype(int):
        inside[y, x] = 1
    inside = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)) > 0
    return choose_anchors(body(), state, image, inside, hits, seen(state))
