"""The numbers of a view that shaders cast rays with. A ray is 1 long along the view axis; s is 1 / distance."""

import moderngl
import numpy as np
from jaxtyping import Float

from inperson.render.views import EyeView

Uniforms = dict[str, float | tuple[float, ...]]
LEAST_EYE_HEIGHT = 0.02
"""The floor is drawn as if eyes were never lower, metres."""


def ray_from_clip(view: EyeView) -> Float[np.ndarray, "3 3"]:
    """Takes (x, y, 1) in clip space to the ray through it in the world."""
    (left, down), (right, up) = tangent_corners(view)
    eye_from_clip = np.array(
        [[(right - left) / 2, 0, (right + left) / 2], [0, (up - down) / 2, (up + down) / 2], [0, 0, -1]]
    )
    return view.T_world_from_eye[:3, :3] @ eye_from_clip


def tangent_corners(view: EyeView) -> Float[np.ndarray, "2 2"]:
    """Lower left and upper right corner of the picture, on the eye's plane z = -1."""
    angles = [[view.angle_left, view.angle_down], [view.angle_right, view.angle_up]]
    return np.tan(np.array(angles))


def clip_from_pixels(view: EyeView, pixels: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
    """Clip space from x and y in the view's pixels, y downwards."""
    return pixels * (2 / view.width, -2 / view.height) + (-1, 1)


def depth_of_s(view: EyeView) -> tuple[float, float]:
    """x and y with which x + y s is the window depth (0 at the near plane, 1 at the far plane)."""
    near, far = view.near, view.far
    return far / (far - near), -far * near / (far - near)


def floor_s_of_ray(view: EyeView) -> tuple[float, float, float]:
    """The vector whose product with a ray is s of the floor, y = 0."""
    return 0.0, -1.0 / max(float(view.T_world_from_eye[1, 3]), LEAST_EYE_HEIGHT), 0.0


def upright_s_of_ray(view: EyeView, plane_z: float) -> tuple[float, float, float]:
    """The vector whose product with a ray is s of the plane z = `plane_z`, on which the eye does not lie."""
    return 0.0, 0.0, 1.0 / (plane_z - float(view.T_world_from_eye[2, 3]))


def uniforms_of(view: EyeView) -> Uniforms:
    """What all of the painter's shaders may ask about a view."""
    return {
        "eye": tuple(view.T_world_from_eye[:3, 3].tolist()),
        "ray_from_clip": tuple(ray_from_clip(view).T.ravel().tolist()),
        "depth_of_s": depth_of_s(view),
        "least_s": 1.0 / view.far,
    }


def set_uniforms(program: moderngl.Program, uniforms: Uniforms) -> None:
    """Those that the program uses: a compiler leaves out the others."""
    used = set(program)
    for name, value in uniforms.items():
        if name in used:
            program[name] = value
