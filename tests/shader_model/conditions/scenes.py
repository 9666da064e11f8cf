"""Cards covered with Gaussians, eyes that look at them, and a person who moves."""

import numpy as np
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.state import BodyState
from inperson.render.views import EyeView, look_at
from inperson.shader_model.conditions.channels import DensePlanes
from inperson.shader_model.interface import INNER


def card(
    centre: tuple[float, float, float], width: float, height: float, step: float = 0.006, seed: int = 0
) -> PosedGaussians:
    """A card in the xy plane that faces +z, smoothly coloured, opaque."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(-width / 2, width / 2, step), np.arange(-height / 2, height / 2, step))
    flat = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    waves = rng.uniform(20, 60, (3, 2))
    colors = 0.5 + 0.4 * np.sin(flat[:, :2] @ waves.T + rng.uniform(0, 6, 3))
    return PosedGaussians(
        *_float32(
            *(flat + centre, np.tile([1.0, 0, 0, 0], (x.size, 1)), np.tile([0.8 * step] * 2 + [1e-3], (x.size, 1))),
            *(np.full(x.size, 0.95), colors, np.tile([0.0, 0, 1], (x.size, 1)), np.zeros((x.size, 0))),
        )
    )


def together(*groups: PosedGaussians) -> PosedGaussians:
    """All of them."""
    names = PosedGaussians.__slots__
    return PosedGaussians(**{n: np.concatenate([getattr(g, n) for g in groups]) for n in names})


def eye(
    position: tuple[float, float, float] = (0.0, 0.0, 1.0),
    target: tuple[float, float, float] = (0.0, 0.0, 0.0),
    size: tuple[int, int] = (128, 96),
    half: float = 0.25,
) -> EyeView:
    """An eye with a lopsided field of view and square pixels."""
    width, height = size
    across, down = np.tan(half), np.tan(half) * height / width
    angles = np.arctan([-0.9 * across, 1.1 * across, 1.05 * down, -0.95 * down])
    return EyeView(look_at(np.array(position), np.array(target)), *(float(a) for a in angles), width, height)


def own_places(view: EyeView) -> np.ndarray:
    """(2, h, w): the full-size pixels in which inner pixels have their centres."""
    rows, columns = np.mgrid[: view.height // INNER, : view.width // INNER] + 0.5
    return INNER * np.stack([columns, rows])


def rays(view: EyeView) -> np.ndarray:
    """(h, w, 3): directions of the inner pixels' centres in the world, of length 1 along the view axis."""
    K, (x, y) = view.intrinsics, own_places(view)
    in_eye = np.stack([(x - K.cx) / K.fx, -(y - K.cy) / K.fy, -np.ones_like(x)], axis=-1)
    return in_eye @ view.T_world_from_eye[:3, :3].T


def pixels_of(points: np.ndarray, view: EyeView) -> np.ndarray:
    """(2, ...): full-size pixels of points (..., 3) of the world, by the projection matrix of OpenGL."""
    in_eye = (points - view.T_world_from_eye[:3, 3]) @ view.T_world_from_eye[:3, :3]
    clip = np.concatenate([in_eye, np.ones_like(in_eye[..., :1])], axis=-1) @ view.projection.T
    x, y = clip[..., 0] / clip[..., 3], clip[..., 1] / clip[..., 3]
    return np.stack([(x + 1) / 2 * view.width, (1 - y) / 2 * view.height])


def planes_of_wall(view: EyeView, normal: np.ndarray, through: np.ndarray) -> tuple[DensePlanes, np.ndarray]:
    """What a dense pass would draw of an endless opaque wall, exactly; and the world points seen."""
    direction, origin = rays(view), view.T_world_from_eye[:3, 3]
    depth = ((through - origin) @ normal) / (direction @ normal)
    height, width = depth.shape
    zeros = lambda c: np.zeros((1, height, width, c), np.float32)  # noqa: E731
    planes = DensePlanes(
        np.ones((1, height, width), np.float32),
        depth[None].astype(np.float32),
        *(zeros(c) for c in (3, 3, 7, 3)),
    )
    return planes, origin + direction * depth[..., None]


def gesturing(body: BodyModel, seconds: float) -> BodyState:
    """Head, jaw, chest and one forearm before the chest move."""
    pose = np.zeros((55, 3), np.float32)
    pose[16], pose[17] = (0, -0.3, -0.9 + 0.5 * np.sin(6 * seconds)), (0, 0.3, 1.0)
    pose[18] = (0, -1.3 - 0.6 * np.sin(5 * seconds), 0)
    pose[15] = (0.1, 0.4 * np.sin(4 * seconds), 0)
    pose[22] = (0.15 + 0.1 * np.sin(9 * seconds), 0, 0)
    pose[3] = (0, 0.15 * np.sin(3 * seconds), 0)
    return BodyState.rest(0, body.num_expression).with_full_pose(pose)


def turned(view: EyeView, degrees: float, shift: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """The eye's pose after going round the world's y axis, and a shift."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("y", degrees, degrees=True).as_matrix()
    out = T @ view.T_world_from_eye
    out[:3, 3] += shift
    return out


def _float32(*arrays: np.ndarray) -> list[np.ndarray]:
    return [np.ascontiguousarray(a, np.float32) for a in arrays]
