"""Refining an avatar on the first part of a clip, in the states that the live tracker gave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.state import BodyState
from inperson.reconstruct.evaluation.footage import Footage, SeenFrame
from inperson.reconstruct.refine.clip import Stage, Watcher, refine_watched
from inperson.reconstruct.refine.preparing import WatchedClip
from inperson.reconstruct.refine.settings import RefineSettings


@dataclass(frozen=True, slots=True, eq=False)
class LiveClip(WatchedClip):
    """A clip that was tracked live, with the reference picture known."""

    live: list[BodyState]
    """Of all frames, made for the avatar's betas, which therefore stay."""

    def states(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> list[BodyState]:
        """The live states; of their own shape alone."""
        if not np.array_equal(np.asarray(betas, np.float32), self.live[0].betas):
            raise ValueError("live states are of one shape")
        return self.live


def refined_on(
    avatar: GaussianAvatar,
    body: BodyModel,
    footage: Footage,
    seen: Sequence[SeenFrame],
    states: Sequence[BodyState],
    settings: RefineSettings,
    told: Callable[[float], None],
) -> GaussianAvatar:
    """The avatar after learning from the first two thirds of the clip; the rest is not learned from.

    Raises:
        BadInputError: the clip is too short.
    """
    clip = LiveClip(
        name=footage.name,
        sha256=footage.sha256,
        fps=footage.fps,
        pictures=[s.cut_out for s in seen],
        observations=[s.observation for s in seen],
        faces=[],
        live=list(states),
    )

    def progress(stage: Stage, done: int, total: int | None) -> None:
        if stage is Stage.OPTIMISE and total:
            told(done / total)

    return refine_watched(
        avatar, body, clip, replace(settings, any_person=True, learn_shape=False), Watcher(progress)
    ).avatar
