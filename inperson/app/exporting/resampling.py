"""A motion at a steady rate: for files that know one time between frames."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip

NEAR_NS = 1000
"""A frame that is this near to where one is wanted is taken as it is, to the bit."""
MOST_FRAMES = 4_000_000


def resampled(motion: MotionClip, fps: float) -> MotionClip:
    """The motion at `fps` frames a second, from its first frame to its last.

    Between two frames rotations go the shortest arc, everything else a straight line; confidence and source are those
    of the frame before. Nobody in view for a while is such a stretch, too.

    Raises:
        BadInputError: more frames than a file could hold.
    """
    seconds = float(motion.times_ns[-1] - motion.times_ns[0]) / 1e9
    count = int(np.floor(seconds * fps + 1e-3)) + 1
    if count > MOST_FRAMES:
        raise BadInputError(f"{seconds:.0f} seconds at {fps:g} frames a second are too many frames", "export a part")
    wanted = motion.times_ns[0] + np.round(np.arange(count) * (1e9 / fps)).astype(np.int64)
    between = _Between.of(motion.times_ns, wanted)
    return replace(
        motion,
        poses=between.turned(motion.poses),
        trans=between.mixed(motion.trans),
        expression=between.mixed(motion.expression),
        times_ns=wanted,
        confidence=motion.confidence[between.latest],
        source=motion.source[between.latest],
        framerate=float(fps),
        residuals=(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Between:
    """Which two frames each wanted one lies between, and how far along: 0 at the first, 1 at the second."""

    before: Int[np.ndarray, " K"]
    after: Int[np.ndarray, " K"]
    share: Float[np.ndarray, " K"]

    @staticmethod
    def of(times_ns: Int[np.ndarray, " T"], wanted_ns: Int[np.ndarray, " K"]) -> "_Between":
        before = np.clip(np.searchsorted(times_ns, wanted_ns, side="right") - 1, 0, len(times_ns) - 1)
        after = np.minimum(before + 1, len(times_ns) - 1)
        since, until = wanted_ns - times_ns[before], times_ns[after] - wanted_ns
        share = since / np.maximum(since + until, 1)
        share[np.abs(until) <= NEAR_NS] = 1.0
        share[np.abs(since) <= NEAR_NS] = 0.0
        return _Between(before, after, share)

    @property
    def latest(self) -> Int[np.ndarray, " K"]:
        """The newest frame at each moment."""
        return np.where(self.share < 1.0, self.before, self.after)

    def mixed(self, values: Float[np.ndarray, "T n"]) -> Float[np.ndarray, "K n"]:
        """On straight lines."""
        share = self.share[:, None]
        return self._exact(values, (1.0 - share) * values[self.before] + share * values[self.after])

    def turned(self, rotvecs: Float[np.ndarray, "T n"]) -> Float[np.ndarray, "K n"]:
        """On shortest arcs, every three numbers of a row a rotation."""
        first, second = (Rotation.from_rotvec(rotvecs[n].reshape(-1, 3)) for n in (self.before, self.after))
        step = (first.inv() * second).as_rotvec() * np.repeat(self.share, rotvecs.shape[1] // 3)[:, None]
        arcs = (first * Rotation.from_rotvec(step)).as_rotvec()
        return self._exact(rotvecs, arcs.reshape(len(self.share), -1))

    def _exact(self, values: Float[np.ndarray, "T n"], between: Float[np.ndarray, "K n"]) -> np.ndarray:
        out = np.where((self.share == 0.0)[:, None], values[self.before], between)
        return np.where((self.share == 1.0)[:, None], values[self.after], out).astype(np.float32)
