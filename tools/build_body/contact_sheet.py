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
        eyes = [JOINT_NAMES.index(f"{side}_eye") for side in ("left", "right")]
        part = np.zeros(body.num_vertices, int) if body.vertex_part is None else body.vertex_part
        self.colors = part_colors(self.poser.shaped_vertices, part, self.poser.rest_joints[eyes].mean(0))

    def picture(self, state: BodyState, camera: Camera, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
        return self.renderer.draw(self.poser.pose(state).vertices, self.colors, camera, width, height)

    def close_up(
        self, state: BodyState, joint: str, height: float, yaw: float = 0.0, pitch: float = 0.0
    ) -> UInt8[np.ndarray, "H W 3"]:
        """Around a posed joint."""
        at = self.poser.pose(state).joints[JOINT_NAMES.index(joint)]
        return self.picture(state, Camera(tuple(at.tolist()), height, yaw, pitch), 300, 400)


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
    p = Photographer(body)
    eyes = p.poser.rest_joints[JOINT_NAMES.index("left_eye"), 1] - 0.03
    face, size = Camera((0, eyes, 0), 0.34, distance=1.6), (300, 400)
    aside = replace(face, yaw=55, target=(0.05, eyes, 0.05), height=0.36)
    standing, whole = relaxed_arms(body), Camera((0, -0.42, 0), 1.95)
    bent = posed(body, {"left_elbow": (0, -110, 0), "right_shoulder": (0, 0, -70)})
    kneeling = posed(body, {"left_knee": (105, 0, 0), "left_hip": (-95, 0, 0)})
    return [
        p.picture(posed(body, {}), whole, 400, 400),
        p.picture(standing, whole, 200, 400),
        p.picture(standing, replace(whole, yaw=90), 200, 400),
        p.picture(posed(body, {}), face, *size),
        p.picture(posed(body, {}), aside, *size),
        p.picture(posed(body, {}, mouthSmile=0.8, cheekSquint=0.3), face, *size),
        p.picture(posed(body, {}, jawOpen=0.7), face, *size),
        p.close_up(bent, "left_elbow", 0.5, pitch=70),
        p.close_up(bent, "right_shoulder", 0.7),
        p.close_up(kneeling, "left_knee", 0.6, yaw=70),
        p.close_up(standing, "left_hip", 0.75, yaw=30),
        p.close_up(standing, "left_middle1", 0.3, yaw=60),
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
