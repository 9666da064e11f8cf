"""A contact sheet of a tracked clip: frames, the fitted body over them, and the same body from the side."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.tracking.sources import open_source

_SKIN, _LEFT_ARM, _RIGHT_ARM = (200.0, 190.0, 180.0), (120.0, 200.0, 255.0), (255.0, 170.0, 120.0)
_LIGHT = np.array([0.3, 0.5, 0.8])
_SIDE_VIEW_DEGREES = 60.0
TILE = (426, 320)
"""Width and height of one picture of the sheet."""


def write_sheet(path: Path, clip: Path, states: list[BodyState], body: BodyModel, columns: int = 6) -> None:
    """Draws `columns` frames spread over the clip.

    Args:
        path: the picture to write.
        clip: the video that was tracked.
        states: one a frame.
        body: the body of the states.
        columns: how many frames to show.
    """
    wanted = np.linspace(0.1 * len(states), 0.9 * len(states), columns).astype(int)
    tiles = []
    with open_source(clip, live=False) as source:
        for n, frame in enumerate(iter(source.read, None)):
            if n in wanted:
                tiles.append(_column(frame.image, frame.intrinsics, states[n], body))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.hstack(tiles)[..., ::-1])


def _column(image: np.ndarray, camera: Intrinsics, state: BodyState, body: BodyModel) -> UInt8[np.ndarray, "H W 3"]:
    vertices = BodyPoser(body, state.betas).pose(state).vertices.astype(np.float64)
    over = cv2.addWeighted(draw_body(image, vertices, body, camera), 0.8, image, 0.2, 0)
    centre = vertices.mean(axis=0)
    angle = np.deg2rad(_SIDE_VIEW_DEGREES)
    c, s = np.cos(angle), np.sin(angle)
    turned = (vertices - centre) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + centre
    side = draw_body(np.full_like(image, 60), turned, body, camera)
    return np.vstack([cv2.resize(p, TILE, interpolation=cv2.INTER_AREA) for p in (image, over, side)])


def draw_body(
    image: UInt8[np.ndarray, "H W 3"], vertices: Float[np.ndarray, "V 3"], body: BodyModel, camera: Intrinsics
) -> UInt8[np.ndarray, "H W 3"]:
    """The shaded mesh over a picture, farthest faces first; arms coloured by side."""
    depth = -vertices[:, 2]
    pixels = vertices[:, :2] * (camera.fx, -camera.fy) / depth[:, None] + (camera.cx, camera.cy)
    corners = vertices[body.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    facing = (normals * corners.mean(axis=1)).sum(axis=1) < 0
    shown = np.flatnonzero(facing & (depth[body.faces].min(axis=1) > 0.1))
    shown = shown[np.argsort(-depth[body.faces[shown]].mean(axis=1))]
    owner = body.weights.argmax(axis=1)[body.faces[:, 0]]
    colour = np.tile(np.array(_SKIN), (len(owner), 1))
    colour[np.isin(owner, [16, 18, 20, *range(25, 40)])] = _LEFT_ARM
    colour[np.isin(owner, [17, 19, 21, *range(40, 55)])] = _RIGHT_ARM
    colour *= 0.2 + 0.8 * np.clip(normals @ _LIGHT, 0.0, 1.0)[:, None]
    out = image.copy()
    fixed = np.round(pixels * 16).astype(np.int32)
    for face in shown:
        cv2.fillConvexPoly(out, fixed[body.faces[face]], colour[face].tolist(), lineType=cv2.LINE_8, shift=4)
    return out
