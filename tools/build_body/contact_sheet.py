"""Pictures to judge a body by: `python -m tools.build_body.contact_sheet --out docs/images/body.jpg`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float, UInt8
from PIL import Image

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from tools.build_body.mesh_renderer import Camera, MeshRenderer, part_colors


class Photographer:
    """Pictures of one body."""

    def __init__(self, body: BodyModel, betas: Float[np.ndarray, " B"] | None = None) -> None:
        self.body = body
        self.poser = BodyPoser(body, np.zeros(0, np.float32) if betas is None else betas)
        self.renderer = MeshRenderer(body.faces)
        self.colors = part_colors(body.vertex_part, self.poser.shaped_vertices)

    def picture(self, state: BodyState, camera: Camera, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
        return self.renderer.draw(self.poser.pose(state).vertices, self.colors, camera, width, height)


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
