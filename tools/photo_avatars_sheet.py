"""Draw people beside the avatars that one photo of each gives: `python -m tools.photo_avatars_sheet PHOTO...`.

One row a person: the photo, the avatar at the photo's view, from 30 and 60 degrees on both sides, from 90, from
behind, and in a pose and with a face that the photo does not show. Of a clip the first frame is the photo. Prints
the table of scores as Markdown.
"""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import torch
import tyro
from jaxtyping import Float, UInt8
from PIL import Image

from inperson.app.mirror.framing import studio_background
from inperson.app.pictures.photo_strip import photo_strip
from inperson.avatar.body import BodyModel
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.reconstruct.create import Created, CreateSettings, create_avatar
from inperson.reconstruct.photo.picture import read_photo
from inperson.reconstruct.stages import Photo
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.synthetic.arm_ik import HandGoal, reach
from inperson.synthetic.cameras import framed_view
from inperson.synthetic.faces import FACES, expression_vector
from inperson.synthetic.hand_shapes import OPEN, hand_pose
from inperson.synthetic.surfaces import BodyPose

CLIPS = (".mkv", ".mp4", ".mov", ".webm", ".avi", ".gif")
AZIMUTHS = (0.0, 30.0, -30.0, 60.0, -60.0, 90.0, 180.0)
RAISED = np.array([[0.34, 0.12, 0.2], [-0.1, 0.9, 0.25], [-0.2, 0.1, 1.0], [0.6, -1.0, -0.3]])
"""Where the left hand is held up, and how (`HandGoal`)."""


def photo_of(path: Path) -> Photo:
    """A picture, or the first frame of a clip."""
    if path.suffix.lower() not in CLIPS:
        return read_photo(path)
    with av.open(str(path)) as clip:
        frame = next(clip.decode(video=0), None)
    if frame is None:
        raise BadInputError(f"clip {path} has no pictures", "give another")
    image = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
    return Photo(image, path.name, sha256(path.read_bytes()).hexdigest())


def raised_arms(body: BodyModel, poser: BodyPoser) -> BodyState:
    """Both open hands beside the head, smiling."""
    rest = BodyState.rest(0, body.num_expression)
    state = reach(rest, poser.rest_joints, HandGoal(*RAISED), HandGoal(*(RAISED * [-1.0, 1.0, 1.0])))
    return replace(
        state,
        left_hand_pose=hand_pose(OPEN.curls(), left=True),
        right_hand_pose=hand_pose(OPEN.curls(), left=False),
        expression=expression_vector(body.expr_names, FACES["smile"]),
    )


def posed_picture(created: Created, size: int) -> UInt8[np.ndarray, "S S 3"]:
    """The avatar in a pose and with a face that the photo does not show."""
    body = created.fit.body
    poser = BodyPoser(body, created.avatar.betas)
    state = raised_arms(body, poser)
    view = framed_view(BodyPose.of(poser, state), "upper", np.deg2rad(12.0), 0.05, 2 * size, zoom=0.95)
    drawn = CpuRasterizer().render_color(AvatarPoser(created.avatar, body).pose(state), [view])
    picture = drawn.rgb[0] + (1 - drawn.alpha[0][..., None]) * studio_background(2 * size, 2 * size)
    return _as_bytes(picture.reshape(size, 2, size, 2, 3).mean(axis=(1, 3)))


def row_of(photo: Photo, created: Created, height: int) -> UInt8[np.ndarray, "H W 3"]:
    """All pictures of one person side by side."""
    strip = photo_strip(photo.image, created.avatar, created.fit, created.target, CpuRasterizer(), AZIMUTHS)
    width = round(strip.shape[1] * height / strip.shape[0])
    strip = np.asarray(Image.fromarray(strip).resize((width, height), Image.Resampling.LANCZOS))
    return np.concatenate([strip, posed_picture(created, height)], axis=1)


def as_wide(row: UInt8[np.ndarray, "H W 3"], width: int) -> UInt8[np.ndarray, "h width 3"]:
    """A row scaled to the sheet's width."""
    height = round(row.shape[0] * width / row.shape[1])
    return np.asarray(Image.fromarray(row).resize((width, height), Image.Resampling.LANCZOS))


def main(
    photos: tyro.conf.Positional[tuple[Path, ...]],
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("docs/images/photo_avatars.jpg"),
    width: int = 2000,
    quality: int = 86,
    fast: bool = False,
    plain: bool = False,
) -> None:
    """Write the sheet and print the scores.

    Args:
        photos: pictures, or clips whose first frames are the photos.
        out: where to.
        width: of the sheet, pixels.
        quality: of the JPEG.
        fast: without polishing.
        plain: without the network.
    """
    torch.set_num_threads(1)
    rows = []
    print("| photo | outline IoU | PSNR, dB | SSIM | Gaussians | seconds |\n|---|---|---|---|---|---|")
    for path in photos:
        photo = photo_of(path)
        created = create_avatar(photo, CreateSettings(fast=fast, completion="plain" if plain else "network"))
        scores, seconds = created.scores, sum(created.seconds.values())
        print(
            f"| {path.name} | {scores.iou:.3f} | {scores.psnr:.1f} | {scores.ssim:.3f} "
            f"| {len(created.avatar.face_index)} | {seconds:.0f} |",
            flush=True,
        )
        rows.append(as_wide(row_of(photo, created, 400), width))
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(out, quality=quality)


def _as_bytes(picture: Float[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    return (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)


if __name__ == "__main__":
    tyro.cli(main)
