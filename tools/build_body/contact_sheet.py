"""Pictures to judge a body by: `python -m tools.build_body.contact_sheet --out docs/images/body.jpg`."""

from dataclasses import dataclass, replace
from pathlib import Path

import moderngl
import numpy as np
import tyro
from jaxtyping import Float, UInt8
from PIL import Image

from inperson.avatar.body import JOINT_NAMES, LEFT_EYE, RIGHT_EYE, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState

_PART_COLORS = np.array(
    [[0.86, 0.68, 0.58], [0.93, 0.93, 0.92], [0.93, 0.93, 0.92], [0.95, 0.93, 0.86], [0.95, 0.93, 0.86],
     [0.75, 0.36, 0.35], [0.55, 0.25, 0.25], [0.6, 0.3, 0.3]], np.float32
)  # fmt: skip
_IRIS, _PUPIL = np.array([0.30, 0.22, 0.15], np.float32), np.array([0.04, 0.04, 0.04], np.float32)

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


class Photographer:
    """Shaded pictures of one body with moderngl, off screen."""

    def __init__(self, body: BodyModel, betas: Float[np.ndarray, " B"] | None = None) -> None:
        self.body = body
        self.poser = BodyPoser(body, np.zeros(0, np.float32) if betas is None else betas)
        self.context = moderngl.create_context(standalone=True, backend="egl")
        self.context.enable(moderngl.DEPTH_TEST)
        self.program = self.context.program(vertex_shader=_VERTEX_SHADER, fragment_shader=_FRAGMENT_SHADER)
        self.colors = _vertex_colors(body, self.poser)

    def picture(self, state: BodyState, camera: Camera, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
        """One picture with 8 samples a pixel."""
        vertices = self.poser.pose(state).vertices
        rows = np.concatenate([vertices, vertex_normals(vertices, self.body.faces), self.colors], axis=1)
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
        ibo = ctx.buffer(self.body.faces.astype("i4").tobytes())
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


def posed(body: BodyModel, joints: dict[str, tuple[float, float, float]], **expression: float) -> BodyState:
    """A state from joint rotations in degrees about x, y, z (one axis-angle vector) and face units."""
    state = BodyState.rest(body.num_betas, body.num_expression)
    pose = np.zeros((len(JOINT_NAMES), 3), np.float32)
    for name, degrees in joints.items():
        pose[JOINT_NAMES.index(name)] = np.deg2rad(degrees)
    coefficients = state.expression.copy()
    for name, value in expression.items():
        sides = [name] if name in (body.expr_names or ()) else [name + "Left", name + "Right"]
        for side in sides:
            coefficients[(body.expr_names or ()).index(side)] = value
    return replace(state, expression=coefficients).with_full_pose(pose)


def relaxed_arms(body: BodyModel, down: float = 72.0, elbow: float = 12.0) -> BodyState:
    """Standing with arms hanging and relaxed hands."""
    joints = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{side}_shoulder"] = (0.0, 0.0, -sign * down)
        joints[f"{side}_elbow"] = (0.0, -sign * elbow, 0.0)
    pose = posed(body, joints).full_pose
    if body.hands_mean is not None:
        pose[25:] = body.hands_mean
    return BodyState.rest(body.num_betas, body.num_expression).with_full_pose(pose)


def _vertex_colors(body: BodyModel, poser: BodyPoser) -> Float[np.ndarray, "V 3"]:
    """Plain colours of the parts, with an iris on each eye."""
    if body.vertex_part is None:
        return np.tile(_PART_COLORS[:1], (body.num_vertices, 1))
    colors = _PART_COLORS[body.vertex_part]
    for part in (LEFT_EYE, RIGHT_EYE):
        eye = np.flatnonzero(body.vertex_part == part)
        v = poser.shaped_vertices[eye]
        outward = v - (v.max(0) + v.min(0)) / 2
        off_axis = np.linalg.norm(outward[:, :2], axis=1) / np.linalg.norm(outward, axis=1).max()
        colors[eye[(off_axis < 0.52) & (outward[:, 2] > 0)]] = _IRIS
        colors[eye[(off_axis < 0.2) & (outward[:, 2] > 0)]] = _PUPIL
    return colors


def _row(body: BodyModel) -> list[np.ndarray]:
    photographer = Photographer(body)
    joints = dict(zip(JOINT_NAMES, photographer.poser.rest_joints.tolist(), strict=True))
    eyes = joints["left_eye"][1] - 0.03
    face, size = Camera((0, eyes, 0), 0.34, distance=1.6), (300, 400)
    side_face = replace(face, yaw=55, target=(0.05, eyes, 0.05), height=0.36)
    rest, standing = posed(body, {}), relaxed_arms(body)
    bent = posed(body, {"left_elbow": (0, -110, 0), "left_shoulder": (0, 0, -25), "right_shoulder": (0, 0, -70)})
    sitting = posed(body, {"left_knee": (105, 0, 0), "left_hip": (-95, 0, 0), "right_knee": (70, 0, 0)})
    x, y, z = joints["left_elbow"]
    elbow = (x - 0.03, y - 0.06, z + 0.1)
    hand = tuple(joints["left_middle1"])
    body_camera = Camera((0, -0.42, 0), 1.95)
    curled = relaxed_arms(body, down=0.0, elbow=0.0)
    return [
        photographer.picture(rest, body_camera, 400, 400),
        photographer.picture(standing, body_camera, 200, 400),
        photographer.picture(standing, replace(body_camera, yaw=90), 200, 400),
        photographer.picture(rest, face, *size),
        photographer.picture(rest, side_face, *size),
        photographer.picture(posed(body, {}, mouthSmile=0.8, cheekSquint=0.3), face, *size),
        photographer.picture(posed(body, {}, jawOpen=0.7), face, *size),
        photographer.picture(bent, Camera(elbow, 0.6, yaw=20, pitch=25), 300, 400),
        photographer.picture(bent, Camera((-0.1, 0.25, 0), 0.9), 300, 400),
        photographer.picture(sitting, Camera((0.1, -0.6, 0.2), 1.0, yaw=60), 300, 400),
        photographer.picture(curled, Camera(hand, 0.32, yaw=20, pitch=60), 300, 400),
    ]


def main(
    bodies: tuple[str, ...] = ("neutral", "male", "female"),
    out: Path = Path("docs/images/body.jpg"),
    quality: int = 82,
) -> None:
    """One row of pictures a body: T-pose, standing, faces, bent elbow, raised shoulder, bent knees, hand.

    Args:
        bodies: shipped names or paths of npz files.
        out: the JPEG to write.
        quality: its quality.
    """
    rows = [np.concatenate(_row(load_body(name)), axis=1) for name in bodies]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(out, quality=quality)


if __name__ == "__main__":
    tyro.cli(main)
