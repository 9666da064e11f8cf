"""Which engine shades whom: one with what the avatar knows of its person, or the plain one."""

from collections.abc import Sequence

from inperson.app.shading.engines import SizedEngine
from inperson.avatar.gaussians import GaussianAvatar, PersonalShader
from inperson.shader_model.runtime.engine import Engine


class PersonalEngines:
    """Makes the engine of a size for a person when they are first shaded, half a second, and keeps it for as long as
    nobody else is.

    Args:
        engines: the sizes.
    """

    def __init__(self, engines: Sequence[SizedEngine]) -> None:
        self._engines = engines
        self._person: PersonalShader | None = None
        self._made: dict[int, Engine] = {}

    def of(self, size: int, avatar: GaussianAvatar) -> Engine:
        """The engine of a size (its place among the engines) for an avatar.

        Raises:
            BadInputError: the avatar's change is broken.
        """
        if avatar.personal is not self._person:  # levels of detail of one avatar share it
            self._person, self._made = avatar.personal, {}
        if size not in self._made:
            plain = self._engines[size]
            fitted = None if self._person is None else plain.fitted(self._person)
            self._made[size] = fitted or plain.engine
        return self._made[size]
