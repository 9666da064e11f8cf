"""A replay into a file, as fast as it can be drawn: the same recording gives the same bytes."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int, UInt8

from inperson.app.mirror.view import MirrorView
from inperson.app.replay.recorded import Recorded, state_times
from inperson.app.replay.stage import ReplayStage
from inperson.app.replay.tempo import Stretch
from inperson.app.timing import StageTimes
from inperson.errors import BadInputError


def moments_to_draw(recorded: Recorded, stretch: Stretch, speed: float) -> Int[np.ndarray, " n"]:
    """Recorded moments of an offline replay's pictures, monotonic nanoseconds, rising.

    As fast as it was recorded, they are the states' own. At another speed pictures come as often as states did, each
    of the moment that it shows.

    Raises:
        BadInputError: there is no state in the stretch.
    """
    times = state_times(recorded.passages)
    within = times[(times >= stretch.begin_ns) & (times <= stretch.end_ns)]
    if not len(within):
        own = [(int(t) - recorded.whole.begin_ns) / 1e9 for t in (times[0], times[-1])]
        raise BadInputError(
            "there is no motion between --from and --to", f"choose from {own[0]:.1f} to {own[1]:.1f} seconds"
        )
    if speed == 1.0 or len(within) == 1:
        return within
    step_ns = speed * 1e9 / nominal_rate(recorded)
    count = int((within[-1] - within[0]) / step_ns) + 1
    return within[0] + np.round(step_ns * np.arange(count)).astype(np.int64)


def nominal_rate(recorded: Recorded) -> float:
    """States a second."""
    return recorded.passages[0].motion.framerate


def replayed_pictures(
    stage: ReplayStage, view: MirrorView, moments: Int[np.ndarray, " n"], speed: float, times: StageTimes
) -> Iterator[tuple[UInt8[np.ndarray, "H VW 3"], float]]:
    """Every picture with its time in seconds from the first; notes the mirror's stages."""
    for moment in moments:
        state = stage.set(view, int(moment), int(moment))
        assert state is not None, "moments begin with a state"
        yield view.draw(state, times), float(moment - moments[0]) / 1e9 / speed
