"""How well an avatar reproduces captures it was not fitted to."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.image_loss import psnr, ssim
from inperson.render.gbuffer import Rasterizer
from inperson.synthetic.captures import Capture

BACKGROUND = 0.5
"""Grey of both pictures: over black a dark coat's errors would not show."""


@dataclass(frozen=True, slots=True)
class Score:
    """Means over captures."""

    psnr: float
    """dB over the whole picture."""
    person_psnr: float
    """dB over the pixels where the person is, or is drawn."""
    ssim: float
    captures: int


def draw_like(
    avatar: AvatarPoser, rasterizer: Rasterizer, capture: Capture, background: float = BACKGROUND
) -> Float[np.ndarray, "H W 3"]:
    """The avatar in a capture's state and view."""
    posed = avatar.pose(capture.state, capture.view.T_world_from_eye[:3, 3])
    return rasterizer.render(posed, [capture.view]).over(np.full(3, background))[0]


def evaluate(avatar: GaussianAvatar, body: BodyModel, rasterizer: Rasterizer, captures: Iterable[Capture]) -> Score:
    """Mean scores over captures."""
    poser = AvatarPoser(avatar, body)
    rows = []
    for capture in captures:
        posed = poser.pose(capture.state, capture.view.T_world_from_eye[:3, 3])
        buffer = rasterizer.render(posed, [capture.view])
        image = np.clip(buffer.over(np.full(3, BACKGROUND))[0], 0, 1)
        truth = over_grey(capture)
        person = (capture.mask > 2) | (buffer.alpha[0] > 0.01)
        rows.append((psnr(image, truth), psnr(image[person], truth[person]), ssim(_planes(image), _planes(truth))))
    means = np.mean(rows, axis=0)
    return Score(float(means[0]), float(means[1]), float(means[2]), len(rows))


def over_grey(capture: Capture, background: float = BACKGROUND) -> Float[np.ndarray, "H W 3"]:
    """A capture's premultiplied picture over grey, 0..1."""
    alpha = capture.mask[..., None].astype(np.float32) / 255
    return capture.rgb.astype(np.float32) / 255 + (1 - alpha) * np.float32(background)


def _planes(image: Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "3 H W"]:
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
