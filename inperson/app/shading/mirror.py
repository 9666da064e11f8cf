"""The shader of the mirror: whether and how the next picture is shaded, and whether it shows both."""

from collections.abc import Sequence

from inperson.app.shading.choice import ShaderChoice
from inperson.app.shading.keeping_up import KeepingUp
from inperson.app.shading.person import PersonShader
from inperson.app.shading.views import ShadedViews, ViewShader
from inperson.app.timing import StageTimes
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.views import EyeView


class MirrorShader:
    """Shades the mirror's pictures as long as it keeps up and the user wants it.

    Args:
        asked: by the user.
        person: stays the caller's to close.
        split: begin with the picture split.
    """

    def __init__(self, asked: ShaderChoice, person: PersonShader, *, split: bool = False) -> None:
        self.keeping_up = KeepingUp(asked, person.engines)
        self.split = split
        """Whether the picture shows the left half without."""
        self._views = ViewShader(person)
        self._rests = False

    def draw(
        self,
        poser: AvatarPoser,
        state: BodyState,
        gaussians: PosedGaussians,
        eyes: Sequence[EyeView],
        times: StageTimes,
    ) -> ShadedViews | None:
        """`ViewShader.draw`; None while the picture gets none."""
        size = self.keeping_up.size
        if size is None:
            self._rests = True
            return None
        if self._rests:
            self._views.forget()
            self._rests = False
        return self._views.draw(poser, state, gaussians, eyes, size, times)
