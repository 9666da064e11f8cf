"""Small shaded pictures of a mesh with moderngl, off screen."""

from dataclasses import dataclass

import moderngl
import numpy as np
from jaxtyping import Float, Int, UInt8

from inperson.avatar.body import LEFT_EYE, RIGHT_EYE

_PART_COLORS = np.array(
    [[0.86, 0.68, 0.58], [0.93, 0.93, 0.92], [0.93, 0.93, 0.92], [0.95, 0.93, 0.86], [0.95, 0.93, 0.86],
     [0.75, 0.36, 0.35], [0.55, 0.25, 0.25], [0.6, 0.3, 0.3]], np.float32
)  # fmt: skip
_IRIS, _PUPIL = np.array([0.30, 0.22, 0.15], np.float32), np.array([0.04, 0.04, 0.04], np.float32)

_BROW_HEIGHT, _BROW_COLOR = 0.0125, (0.24, 0.17, 0.13)
"""Metres above the eyes, at the brows' ends."""

_VERTEX_SHADER = """
#version 330
uniform mat4 clip_from_world;
in vec3 position; in vec3 normal; in vec3 color;
out vec3 n; out vec3 albedo;
void main() { n = normal; albedo = color; gl_Position = clip_from_world * vec4(position, 1.0); }
"""
_FRAGMENT_SHADER = """
#version 330
uniform vec3 towards_eye;
in vec3 n; in vec3 albedo;
out vec4 pixel;
void main() {
    vec3 m = normalize(n) * (gl_FrontFacing ? 1.0 : -1.0);
    float key = max(dot(m, normalize(vec3(0.5, 0.7, 0.8))), 0.0);
    float fill = max(dot(m, normalize(vec3(-0.9, 0.2, 0.5))), 0.0);
    float back = max(dot(m, normalize(vec3(0.0, 0.5, -1.0))), 0.0);
    float sky = 0.75 + 0.25 * m.y;
    float shine = pow(max(dot(reflect(-normalize(vec3(0.5, 0.7, 0.8)), m), towards_eye), 0.0), 20.0);
    vec3 light = albedo * (0.75 * key + 0.25 * fill + 0.2 * back + 0.16 * sky) + 0.05 * shine;
    pixel = vec4(pow(light, vec3(1.0 / 1.6)), 1.0);
}
"""


@dataclass(frozen=True)
class Camera:
    """Looks at `target` from `distance` metres, turned by `yaw` and `pitch` degrees; covers `height` metres."""

    target: tuple[float, float, float]
    height: float
    yaw: float = 0.0
    pitch: float = 0.0
    distance: float = 6.0

    def clip_from_world(self, aspect: float) -> tuple[Float[np.ndarray, "4 4"], Float[np.ndarray, "3"]]:
        """Projection and the direction towards the eye."""
        yaw, pitch = np.deg2rad(self.yaw), np.deg2rad(self.pitch)
        towards = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        right = np.cross([0.0, 1.0, 0.0], towards)
        right /= np.linalg.norm(right)
        view = np.eye(4)
        view[:3, :3] = np.stack([right, np.cross(towards, right), towards])
        view[:3, 3] = -view[:3, :3] @ (np.array(self.target) + self.distance * towards)
        near, far = 0.1, 20.0
        focal = 2 * self.distance / self.height
        projection = np.zeros((4, 4))
        projection[0, 0], projection[1, 1] = focal / aspect, focal
        projection[2, 2:] = (far + near) / (near - far), 2 * far * near / (near - far)
        projection[3, 2] = -1.0
        return projection @ view, towards


class MeshRenderer:
    """Draws one mesh with coloured vertices."""

    def __init__(self, faces: Int[np.ndarray, "F 3"]) -> None:
        self.faces = faces
        self.context = moderngl.create_context(standalone=True, backend="egl")
        self.context.enable(moderngl.DEPTH_TEST)
        self.program = self.context.program(vertex_shader=_VERTEX_SHADER, fragment_shader=_FRAGMENT_SHADER)

    def draw(
        self,
        vertices: Float[np.ndarray, "V 3"],
        colors: Float[np.ndarray, "V 3"],
        camera: Camera,
        width: int,
        height: int,
    ) -> UInt8[np.ndarray, "H W 3"]:
        """One picture with 4 samples a pixel."""
        rows = np.concatenate([vertices, vertex_normals(vertices, self.faces), colors], axis=1)
        ctx = self.context
        samples = ctx.framebuffer(
            ctx.renderbuffer((width, height), 3, samples=4), ctx.depth_renderbuffer((width, height), samples=4)
        )
        flat = ctx.framebuffer(ctx.renderbuffer((width, height), 3))
        clip, towards = camera.clip_from_world(width / height)
        self.program["clip_from_world"].write(clip.T.astype("f4").tobytes())
        self.program["towards_eye"].value = tuple(towards)
        samples.use()
        samples.clear(0.32, 0.33, 0.35)
        vbo = ctx.buffer(rows.astype("f4").tobytes())
        ibo = ctx.buffer(self.faces.astype("i4").tobytes())
        layout = [(vbo, "3f 3f 3f", "position", "normal", "color")]
        ctx.vertex_array(self.program, layout, ibo).render()
        ctx.copy_framebuffer(flat, samples)
        return np.frombuffer(flat.read(), np.uint8).reshape(height, width, 3)[::-1]


def vertex_normals(vertices: Float[np.ndarray, "V 3"], faces: np.ndarray) -> Float[np.ndarray, "V 3"]:
    """Area-weighted vertex normals."""
    out = np.zeros_like(vertices)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    for corner in range(3):
        np.add.at(out, faces[:, corner], np.cross(b - a, c - a))
    return out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-12)


def part_colors(
    vertices: Float[np.ndarray, "V 3"], vertex_part: Int[np.ndarray, " V"], eyes_at: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "V 3"]:
    """Plain colours of a T-posed body's parts, with irises and brows: a face landmarker needs both.

    Args:
        eyes_at: the middle between the eyes.
    """
    colors = _PART_COLORS[vertex_part]
    for part in (LEFT_EYE, RIGHT_EYE):
        eye = np.flatnonzero(vertex_part == part)
        v = vertices[eye]
        outward = v - (v.max(0) + v.min(0)) / 2
        off_axis = np.linalg.norm(outward[:, :2], axis=1) / np.linalg.norm(outward, axis=1).max()
        colors[eye[(off_axis < 0.52) & (outward[:, 2] > 0)]] = _IRIS
        colors[eye[(off_axis < 0.2) & (outward[:, 2] > 0)]] = _PUPIL
    aside, above, ahead = np.abs(vertices[:, 0]), vertices[:, 1] - eyes_at[1], vertices[:, 2] - eyes_at[2]
    arch = _BROW_HEIGHT + 0.004 * (1 - ((aside - 0.034) / 0.022) ** 2)
    colors[(np.abs(above - arch) < 0.0032) & (aside > 0.011) & (aside < 0.056) & (ahead > -0.02)] = _BROW_COLOR
    return colors
