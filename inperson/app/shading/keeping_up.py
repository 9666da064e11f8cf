"""Which of the shader's sizes the mirror's next picture gets: the one asked for, or what keeps up."""

from collections import Counter
from collections.abc import Sequence

from inperson.app.shading.choice import ShaderChoice
from inperson.app.shading.engines import SizedEngine
from inperson.app.shading.figures import OFF, ShaderFigures
from inperson.render.pacing import CostShares, Pacing, always_shaded, ladder, shaded_while_it_fits

LEAST_RATE = 24.0
"""Pictures a second that `auto` keeps up: below it motion no longer looks continuous."""
PERIOD_MS = 1e3 / LEAST_RATE
DRAWING_MS = 10.0
"""A first guess of what a picture takes without the shader; it is soon known better."""


def worth_offering(step_ms: Sequence[float]) -> tuple[int, ...]:
    """Which sizes `auto` goes through, the largest first: one that was measured to cost no less than a larger one is
    no way to give way."""
    return tuple(number for number, cost in enumerate(step_ms) if all(cost < larger for larger in step_ms[:number]))


class KeepingUp:
    """Told of every picture what it cost, says what the next one gets.

    Args:
        asked: a size stays whatever it costs; `auto` gives way and comes back as `Pacing` says.
        engines: of the sizes, the largest first.
    """

    def __init__(self, asked: ShaderChoice, engines: Sequence[SizedEngine]) -> None:
        self.asked, self._engines = asked, tuple(engines)
        self.on = True
        """Whether the user wants it now."""
        plain = ladder([1], minimum=1.0)
        if asked == "auto":
            step_ms = [engine.step_ms for engine in engines]
            self._offered = worth_offering(step_ms)
            costs = [step_ms[number] for number in self._offered]
            start = next((rung for rung, cost in enumerate(costs) if cost <= PERIOD_MS), len(costs))
            shares = CostShares(shading=costs[0] / DRAWING_MS)
            self._pacing = Pacing(shaded_while_it_fits(plain, costs), start=start, shares=shares)
        else:
            self._offered, self._pacing = (0,), Pacing(always_shaded(plain))
        self._pictures: Counter[str] = Counter()
        self._last_ns: int | None = None

    @property
    def size(self) -> int | None:
        """Of the next picture: which engine, None for none."""
        shader = self._pacing.rung.shader
        return None if shader is None or not self.on else self._offered[shader]

    @property
    def line(self) -> str:
        """How it stands, in a few words."""
        if not self.on:
            return "off"
        if self.size is not None:
            running = self._engines[self.size]
            return f"{running.size} on {running.engine.name}"
        return "off for now: it does not keep up"

    def drew(self, cost_ms: float, shown_ns: int) -> None:
        """A picture is done.

        Args:
            cost_ms: of posing, drawing and shading it.
            shown_ns: when it was presented, monotonic.
        """
        size = self.size
        self._pictures[OFF if size is None else self._engines[size].size] += 1
        last_ns, self._last_ns = self._last_ns, shown_ns
        if self.on and last_ns is not None:
            late = round((shown_ns - last_ns) / 1e6 / PERIOD_MS) - 1
            self._pacing.add(cost_ms, max(late, 0), PERIOD_MS)

    def figures(self) -> ShaderFigures:
        """Of all pictures."""
        names: dict[str, str] = {engine.size: engine.engine.name for engine in self._engines}
        return ShaderFigures(self.asked, names, dict(self._pictures))
