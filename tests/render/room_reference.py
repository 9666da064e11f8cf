"""The room seen through one pixel at a time: the plain twin of the painter's shaders, without an avatar."""

import numpy as np
from jaxtyping import Float

from inperson.render.scene import look
from inperson.render.scene.room import Shadow
from inperson.render.scene.scenes import MIRROR
from inperson.render.views import EyeView


def room_reference(
    view: EyeView, shadow: Shadow | None, *, mirror: bool, samples: int = 5
) -> tuple[Float[np.ndarray, "H W 3"], Float[np.ndarray, "H W"]]:
    """Colour, the mean of `samples` x `samples` rays a pixel, and the distance along the view axis in its middle."""
    colors = np.zeros((view.height, view.width, 3))
    for y in range(samples):
        for x in range(samples):
            colors += _cast(view, (x + 0.5) / samples, (y + 0.5) / samples, shadow, mirror)[0]
    return colors / samples**2, _cast(view, 0.5, 0.5, shadow, mirror)[1]


def _cast(view: EyeView, x: float, y: float, shadow: Shadow | None, mirror: bool):
    K, eye = view.intrinsics, view.T_world_from_eye[:3, 3]
    columns, rows = np.meshgrid(np.arange(view.width) + x, np.arange(view.height) + y)
    in_eye = np.stack([(columns - K.cx) / K.fx, (K.cy - rows) / K.fy, -np.ones_like(columns)], -1)
    ray = in_eye @ view.T_world_from_eye[:3, :3].T
    color, distance = _room(ray, eye, shadow)
    if not mirror:
        return color, distance
    to_mirror = (MIRROR.plane_z - eye[2]) / ray[..., 2]
    hit = eye + to_mirror[..., None] * ray
    x_out = np.abs(hit[..., 0]) - MIRROR.width / 2
    y_out = np.abs(hit[..., 1] - MIRROR.frame - MIRROR.height / 2) - MIRROR.height / 2
    on_board = (to_mirror > 0) & (x_out <= MIRROR.frame) & (y_out <= MIRROR.frame)
    on_glass = on_board & (x_out <= 0) & (y_out <= 0) & (eye[2] > MIRROR.plane_z)
    # Reflected where it hits the glass; the whole way is as long as what it shows looks far away.
    start = np.where(on_glass[..., None], hit, 0.0)
    reflected, beyond = _room(ray * (1, 1, -1), start, shadow, reflected_from=eye)
    color = np.where(on_board[..., None], look.WOOD, color)
    color = np.where(on_glass[..., None], reflected * look.GLASS_TINT, color)
    distance = np.where(on_board, to_mirror, distance)
    return color, np.where(on_glass, to_mirror + beyond, distance)


def _room(ray, start, shadow: Shadow | None, reflected_from=None):
    """Floor or sky from `start` on, and how far away it is."""
    start = np.broadcast_to(start, ray.shape)
    unit = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    ahead = 0.5 - 0.5 * unit[..., 2:]
    haze = (1 - ahead) * look.HAZE_BEHIND + ahead * np.array(look.HAZE_AHEAD)
    up = np.clip(unit[..., 1:2], 0, 1)
    to_zenith = up * (2 - up)
    sky = (1 - to_zenith) * haze + to_zenith * look.ZENITH

    below = ray[..., 1] < 0
    distance = np.where(below, start[..., 1] / np.where(below, -ray[..., 1], 1.0), np.inf)
    place = start + np.where(below, distance, 0.0)[..., None] * ray
    on_joint = ((place[..., 0] % look.TILE) < look.JOINT_WIDTH) | ((place[..., 2] % look.TILE) < look.JOINT_WIDTH)
    ground = np.where(on_joint[..., None], look.JOINT, look.FLOOR)
    if shadow is not None:
        away = np.hypot(place[..., 0] - shadow.x, place[..., 2] - shadow.z) / shadow.radius
        ground = ground * (1 - look.SHADOW * np.clip(1 - away**2, 0, None) ** 2)[..., None]
    foot = start if reflected_from is None else reflected_from * (1, 1, -1) + (0, 0, 2 * MIRROR.plane_z)
    out_there = np.hypot(place[..., 0] - foot[..., 0], place[..., 2] - foot[..., 2]) / look.HAZE_DISTANCE
    hazy = (out_there**2 / (1 + out_there**2))[..., None]
    return np.where(below[..., None], (1 - hazy) * ground + hazy * haze, sky), distance
