"""Avatars made ready for a headset: levels of detail, posers, and the states that move them."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.state_feed import Sources, StateFeed
from inperson.app.motion.placing import Opposite
from inperson.app.replay.tempo import Tempo
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.lod import levels_of_detail
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import without_head
from inperson.avatar.state import BodyState
from inperson.tracking.headset_skeleton import betas_with_eye_height
from inperson.tracking.play_calibration import load_calibration


@dataclass(frozen=True, slots=True)
class Worn:
    """An avatar that can be shown at once."""

    name: str
    posers: tuple[AvatarPoser, ...]
    """One a level of detail, the finest first."""
    feed: StateFeed

    @property
    def counts(self) -> tuple[int, ...]:
        """Gaussians of each level."""
        return tuple(len(poser.avatar.scales) for poser in self.posers)

    def somebody(self) -> BodyState:
        """A body at rest opposite the wearer."""
        body = self.posers[0].body
        return Opposite(body, self.posers[0].avatar.betas)(BodyState.rest(body.num_betas, body.num_expression))

    def close(self) -> None:
        """End the posers' threads."""
        for poser in self.posers:
            poser.close()


class Wardrobe:
    """Makes avatars ready, the first at once and others behind the frame loop's back.

    Args:
        plan: of the headset.
        sources: what moves them.
        threads: that share the work of posing.
    """

    def __init__(self, plan: HeadsetPlan, sources: Sources, threads: int) -> None:
        self._plan, self._sources, self._threads = plan, sources, threads
        self._calibration = None if plan.calibration is None else load_calibration(Path(plan.calibration))
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="wardrobe")
        self._ordered: Future[Worn] | None = None

    def put_on(self, name: str) -> Worn:
        """An avatar, made ready.

        Raises:
            BadInputError: no such avatar, or its body or the motion does not fit.
        """
        avatar = load_avatar(name)
        body = load_body(self._plan.body or avatar.body_name)
        if self._calibration is not None:  # the wearer's own height: else feet would not reach the floor
            betas = betas_with_eye_height(body, avatar.betas, self._calibration.eye_height_m)
            avatar = replace(avatar, betas=betas)
        feed = self._sources.feed_for(body, avatar.betas, self._calibration)
        shown = without_head(avatar, body) if self._plan.scene == "embodied" else avatar
        posers = (AvatarPoser(level, body, self._threads) for level in levels_of_detail(shown, body))
        return Worn(avatar.name, tuple(posers), feed)

    def play(self, tempo: Tempo) -> None:
        """Let the recorded session that moves the avatars go on like this."""
        if self._sources.recorded is not None:
            self._sources.recorded.tempo = tempo

    def order(self, name: str) -> None:
        """Begin to make an avatar ready; what was ordered before is dropped."""
        self._ordered = self._worker.submit(self.put_on, name)

    def delivered(self) -> Worn | None:
        """What was ordered, once, when it is ready. Raises what kept it from that."""
        if self._ordered is None or not self._ordered.done():
            return None
        worn, self._ordered = self._ordered.result(), None
        return worn

    def close(self) -> None:
        """Stop working."""
        self._worker.shutdown(cancel_futures=True)
