"""How like a clip's frames an avatar looks, driven by what the tracker saw, over the pixels of either of the two."""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.evaluation.metrics import overlap, psnr_inside, ssim_map
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.refine.frames import ClipFrames, over
from inperson.render.gbuffer import Rasterizer

_BACKGROUND = 0.5


@dataclass(frozen=True, slots=True)
class ClipScores:
    """Means over frames."""

    psnr: float
    """dB over the union of real and drawn person, both over grey."""
    ssim: float
    """Over the same pixels."""
    perceptual: float
    """`Perceptual`'s distance over the same pixels; lower is better."""
    iou: float
    """Of the outlines."""

    def to_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


def score_clip(
    avatar: GaussianAvatar, body: BodyModel, clip: ClipFrames, rasterizer: Rasterizer, perceptual: Perceptual
) -> ClipScores:
    """Scores over all frames of a clip, in their tracked states."""
    poser = AvatarPoser(avatar, body)
    rows = []
    for frame in clip.frames:
        eye = clip.view.T_world_from_eye[:3, 3]
        drawn = rasterizer.render_color(poser.pose(frame.state, eye), [clip.view])
        alpha = drawn.alpha[0]
        image = np.clip(drawn.rgb[0] + (1 - alpha[..., None]) * np.float32(_BACKGROUND), 0, 1)
        truth, real, shown = over(frame.rgba, _BACKGROUND), frame.rgba[..., 3] > 127, alpha > 0.5
        union = real | shown
        with torch.no_grad():
            where = torch.from_numpy(union.astype(np.float32))[None, None]
            away = float(perceptual.distance(_batch(image), _batch(truth), where)[0])
        similarity = float(ssim_map(image, truth)[union].mean())
        rows.append((psnr_inside(image, truth, union), similarity, away, overlap(real, shown)))
    return ClipScores(*(float(x) for x in np.mean(rows, axis=0)))


def _batch(image: Float[np.ndarray, "H W 3"]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]
