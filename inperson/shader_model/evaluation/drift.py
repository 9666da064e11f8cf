"""Whether the end of a long run looks as its start does: statistics of series, ends compared with their noise."""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import ttest_ind

BLOCK = 100
"""Frames whose mean counts as one observation: neighbouring frames say almost the same, blocks hardly."""
END = 1000
"""Frames of the start and of the end that are compared."""
LEAST_BLOCKS = 2
"""At an end: fewer have no spread."""
ERROR_RATE = 0.05
"""How often a run that does not drift is said to, over all its series together."""


@dataclass(frozen=True, slots=True)
class Ends:
    """One series at its start and at its end."""

    start: float
    end: float
    noise: float
    """Standard error of their difference, from the spread of blocks."""
    z: float
    """Their difference in units of the noise."""
    p: float
    """How often chance alone makes at least this difference (Welch's t-test on blocks)."""

    def to_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


def compare_ends(values: Float[np.ndarray, " T"], end: int = END, block: int = BLOCK) -> Ends | None:
    """The first and the last frames of a series; None where an end has fewer than two blocks with something in them.

    Args:
        values: one a frame; NaN where nothing was measured.
        end: how many frames at each end, at most half of them: shorter runs compare their halves.
        block: frames of an observation, at most a quarter of an end.
    """
    end = min(end, len(values) // 2)
    block = max(1, min(block, end // 4))
    first, last = (_block_means(part, block) for part in (values[:end], values[-end:]))
    if min(len(first), len(last)) < LEAST_BLOCKS:
        return None
    change = float(last.mean() - first.mean())
    noise = float(np.sqrt(first.var(ddof=1) / len(first) + last.var(ddof=1) / len(last)))
    if noise == 0.0:  # series that never move at all: the same, or not
        same = change == 0.0
        return Ends(float(first.mean()), float(last.mean()), 0.0, 0.0 if same else float("inf"), float(same))
    p = float(ttest_ind(first, last, equal_var=False).pvalue)
    return Ends(float(first.mean()), float(last.mean()), noise, change / noise, p)


def within_noise(ends: dict[str, Ends]) -> bool:
    """Whether no series has changed more than chance explains, `ERROR_RATE` shared among them (Bonferroni)."""
    return all(one.p >= ERROR_RATE / len(ends) for one in ends.values())


def _block_means(values: Float[np.ndarray, " T"], block: int) -> Float[np.ndarray, " N"]:
    whole = len(values) // block * block
    blocks = values[:whole].reshape(-1, block).astype(np.float64)
    measured = ~np.isnan(blocks)
    sums = np.where(measured, blocks, 0.0).sum(axis=1)
    known = measured.any(axis=1)
    means: Float[np.ndarray, " N"] = sums[known] / measured.sum(axis=1)[known]
    return means
