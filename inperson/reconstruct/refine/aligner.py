"""Aligning every training frame with the avatar as it is now, and the avatar with all of them."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.refine.alignment import (
    CarriedPoints,
    Correction,
    common_displacement,
    corrected_by_flow,
)
from inperson.reconstruct.refine.flow import FlowMeter, FlowSample
from inperson.reconstruct.refine.frames import ClipFrames, over
from inperson.reconstruct.refine.learner import Learner

_BACKGROUND = 0.5


class Aligner:
    """Corrections of the frames of one clip.

    Args:
        learner: whose Gaussians are drawn.
        clip: the frames, of a size at which flow is quick and steady (about 320 across).
    """

    def __init__(self, learner: Learner, clip: ClipFrames) -> None:
        self._learner, self._clip = learner, clip
        g = learner.gaussians
        self.poser = BodyPoser(learner.body, learner.betas)
        self.carried = CarriedPoints.on(learner.body, g.face_index, g.barycentric)
        self._meter = FlowMeter()
        self._frames = [over(frame.rgba, _BACKGROUND) for frame in clip.frames]

    def measured(self, corrections: Sequence[Correction]) -> list[Correction]:
        """The corrections after another look at every frame.

        Args:
            corrections: of each frame so far.
        """
        out = []
        for number, before in enumerate(corrections):
            state = before.applied_to(self._clip.frames[number].state)
            points, flow = self.flow(number, state)
            out.append(corrected_by_flow(before, self.poser, self.carried, state, points, flow))
        return out

    def settle(self, corrections: Sequence[Correction]) -> None:
        """Give the avatar what the corrections have in common."""
        motion = self._learner.binding.motion
        tracked = [motion(frame.state) for frame in self._clip.frames]
        corrected = [motion(c.applied_to(f.state)) for c, f in zip(corrections, self._clip.frames, strict=True)]
        self._learner.move(common_displacement(tracked, corrected))

    @torch.no_grad()
    def flow(self, number: int, state: BodyState) -> tuple[Float[np.ndarray, "N 3"], FlowSample]:
        """Where the Gaussians are drawn in a frame, and how far they should move."""
        posed = self._learner.posed(self._learner.binding.motion(state), self._clip.frames[number].state)
        planes = self._learner.draw(posed, self._clip.view).cpu().numpy()
        alpha = planes[4]
        drawn = (planes[:3] + (1 - alpha) * np.float32(_BACKGROUND)).transpose(1, 2, 0)
        depth = planes[3] / np.maximum(alpha, 1e-6)
        points = posed.means.cpu().numpy()
        return points, self._meter.sample(drawn, self._frames[number], depth, alpha, points, self._clip.view)
