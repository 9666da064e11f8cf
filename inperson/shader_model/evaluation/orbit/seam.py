"""Whether an orbit has a seam: the change from its last view to its first, beside that between other neighbours."""

from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.evaluation.carrying import Disagreement, last_places
from inperson.shader_model.evaluation.orbit.views import Orbit, Side
from inperson.shader_model.evaluation.pictures import over_grey


class Seam:
    """Changes along the exact motion, in grey levels; of pictures made one way.

    The seam is before the face. Other neighbours count that are seen from the front as well: how much a picture
    changes from view to view differs from side to side, also in truth.
    """

    def __init__(self) -> None:
        self._at, self._elsewhere = Disagreement(), Disagreement()

    def add(self, pictures: Float[Tensor, "N 1 4 H W"], orbit: Orbit) -> None:
        """All views of one person."""
        over = [over_grey(picture) for picture in pictures]
        for number, view in enumerate(orbit.views):
            before = number - 1  # of the first view the last one
            if view.side == orbit.views[before].side == Side.FRONT:
                change = self._elsewhere if number else self._at
                change.add(over[number], over[before], last_places(view.conditions))

    @property
    def change(self) -> float:
        """From the last view to the first."""
        return self._at.value

    @property
    def elsewhere(self) -> float:
        """From view to view."""
        return self._elsewhere.value
