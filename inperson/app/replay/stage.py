"""Who is on stage: avatars come and go as they did in the recording, or as the viewer wishes."""

from collections.abc import Sequence
from functools import lru_cache

from inperson.app.cast import Performer, load_performer
from inperson.app.mirror.framing import Framing
from inperson.app.mirror.view import MirrorView
from inperson.app.replay.avatars import AvatarChange
from inperson.app.replay.recorded import Recorded
from inperson.app.replay.role import Role
from inperson.avatar.state import BodyState

AS_RECORDED = "as recorded"
"""In the hot key's cast: whoever was worn at that moment."""
PLAY = "play"
"""A headset's world, as session files call it."""
MOST_ROLES = 8
"""That are kept ready."""


class ReplayStage:
    """Knows the avatar of every moment, and puts it into the mirror: in its state, where people are looked at.

    Args:
        recorded: what happens.
        changes: what was worn when, in time; at least one.
        body: of the avatars, if it is not the one they name.
    """

    def __init__(self, recorded: Recorded, changes: Sequence[AvatarChange], body: str | None) -> None:
        self._recorded, self._changes, self._body = recorded, tuple(changes), body
        self._role = lru_cache(MOST_ROLES)(self._role_of)
        self._chosen: str | None = None
        self._position_ns = recorded.whole.begin_ns
        self._in_mirror = ""
        self._framing: Framing | None = None

    def worn_at(self, position_ns: int) -> str:
        """Name or file of the avatar at a recorded moment."""
        if self._chosen is not None:
            return self._chosen
        first = self._changes[0]
        return next(c.file for c in reversed(self._changes) if c.time_ns <= position_ns or c is first)

    def first(self) -> Performer:
        """Whoever begins. Everybody who was recorded is made ready.

        Raises:
            BadInputError: no such avatar or body.
        """
        for change in self._changes[:MOST_ROLES]:
            self._role(change.file)
        self._in_mirror = self._changes[0].file
        return self._role(self._in_mirror)[0]

    @property
    def performer(self) -> Performer:
        """Whoever is in the mirror."""
        return self._role(self._in_mirror)[0]

    @property
    def in_play_space(self) -> bool:
        """Whether the moment that is shown was in a headset's play space; otherwise before a webcam."""
        return self._role(self._in_mirror)[1].world_at(self._position_ns) == PLAY

    def choose(self, name: str) -> Performer:
        """Show this avatar from now on, or `AS_RECORDED`; for a caller that puts it into the mirror.

        Raises:
            BadInputError: no such avatar.
        """
        self._chosen = None if name == AS_RECORDED else name
        self._in_mirror, self._framing = self.worn_at(self._position_ns), None
        return self._role(self._in_mirror)[0]

    def set(self, view: MirrorView, position_ns: int, time_ns: int) -> BodyState | None:
        """Prepare the mirror for a recorded moment.

        Args:
            time_ns: what the state says its time is.

        Returns:
            The avatar's state; None before the first.
        """
        self._position_ns = position_ns
        worn = self.worn_at(position_ns)
        performer, role = self._role(worn)
        if worn != self._in_mirror:
            self._in_mirror, self._framing = worn, None
            view.change_avatar(performer.avatar, performer.body)
        framing = role.framing_at(position_ns)
        if framing is not self._framing:
            self._framing = framing
            view.hold(framing)
        return role.state_at(position_ns, time_ns)

    def _role_of(self, name: str) -> tuple[Performer, Role]:
        performer = load_performer(name, self._body)
        return performer, Role(self._recorded, performer.body, performer.avatar.betas)
