"""Draw the contact sheet of the shipped avatars: `python -m tools.avatar_sheet` writes docs/images/avatars.jpg.

One row a person: waist up with bent arms, face from the front, from 30 and 60 degrees, a smile, an open mouth, a
hand. Drawn by the rasteriser from the .avatar files alone, in poses and views that fitting did not see.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float
from PIL import Image

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar, shipped_avatars
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.synthetic.arm_ik import HandGoal, hanging_arms, reach
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.faces import FACES, PLEASANT, added, expression_vector
from inperson.synthetic.hand_shapes import LOOSE, OPEN, hand_pose
from inperson.synthetic.surfaces import BodyPose

SHOTS: tuple[tuple[str, float, Framing, float], ...] = (
    # face, jaw, framing, azimuth in degrees
    ("pleasant", 0.0, "upper", 20.0),
    ("pleasant", 0.0, "head", 0.0),
    ("pleasant", 0.0, "head", 30.0),
    ("pleasant", 0.0, "head", -60.0),
    ("smile", 0.0, "head", 12.0),
    ("ah", 0.18, "mouth", 8.0),
    ("pleasant", 0.0, "left_hand", -10.0),
)
ZOOM: dict[Framing, float] = {"upper": 0.95, "head": 1.25, "mouth": 1.2, "left_hand": 1.3}
BACKGROUND = np.array([0.62, 0.64, 0.67], np.float32)


def shown_state(body: BodyModel, poser: BodyPoser, face: str, jaw: float, arms_bent: bool) -> BodyState:
    """Arms bent before the body with open hands, or hanging."""
    state = BodyState.rest(0, body.num_expression)
    if arms_bent:
        goal = np.array([[0.24, -0.1, 0.36], [-0.1, 0.9, 0.25], [-0.2, 0.1, 1.0], [0.6, -1.0, -0.3]])
        mirrored = goal * np.array([-1.0, 1.0, 1.0])
        state = reach(state, poser.rest_joints, HandGoal(*goal), HandGoal(*mirrored))
    else:
        state = hanging_arms(state)
    shape = OPEN if arms_bent else LOOSE
    look = FACES[face] if face == "pleasant" else added(PLEASANT, FACES[face])
    return replace(
        state,
        left_hand_pose=hand_pose(shape.curls(), left=True),
        right_hand_pose=hand_pose(shape.curls(), left=False),
        jaw_pose=np.array([jaw, 0.0, 0.0], np.float32),
        expression=np.clip(expression_vector(body.expr_names, look), 0.0, 1.0),
    )


def row_of(name: str, rasterizer: Rasterizer, size: int) -> Float[np.ndarray, "S W 3"]:
    """All shots of one avatar side by side, drawn at twice the size."""
    avatar = load_avatar(name)
    body = load_body(avatar.body_name)
    avatar_poser, poser = AvatarPoser(avatar, body), BodyPoser(body, avatar.betas)
    pictures = []
    for face, jaw, framing, azimuth in SHOTS:
        state = shown_state(body, poser, face, jaw, framing in ("upper", "left_hand"))
        view = framed_view(
            BodyPose.of(poser, state), framing, np.deg2rad(azimuth), 0.05, 2 * size, zoom=ZOOM[framing]
        )
        drawn = rasterizer.render(avatar_poser.pose(state), [view]).over(BACKGROUND)[0]
        pictures.append(drawn.reshape(size, 2, size, 2, 3).mean(axis=(1, 3)))
    return np.concatenate(pictures, axis=1)


def main(out: Path = Path("docs/images/avatars.jpg"), size: int = 320, quality: int = 86) -> None:
    """Write the sheet.

    Args:
        out: where to.
        size: pixels of one picture's side.
        quality: of the JPEG.
    """
    torch.set_num_threads(1)
    rasterizer = make_rasterizer("cpu")
    sheet = np.concatenate([row_of(name, rasterizer, size) for name in shipped_avatars()])
    rasterizer.close()
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.clip(sheet, 0, 1) * 255).round().astype(np.uint8)).save(out, quality=quality)


if __name__ == "__main__":
    tyro.cli(main)
