"""Prepared people in an order that depends on the seed alone, dealt out to any number of processes.

Sample g of the stream goes to process g mod P, so the batch of a step holds the same people for every P.
"""

import random
import tarfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import webdataset

SHUFFLED = 48
"""Samples that are held while they are shuffled."""


def everything(source: Iterator[Any]) -> Iterator[Any]:
    """webdataset's way to give every process every shard: `PersonStream` deals samples out instead."""
    yield from source


class PersonStream:
    """An endless stream of raw prepared samples, each with its number.

    Args:
        paths: shards, in an order that is the same everywhere.
        seed: of the order.
        rank, processes: which samples are this process's.
    """

    def __init__(self, paths: Sequence[Path], seed: int, rank: int = 0, processes: int = 1) -> None:
        self._paths = list(paths)
        self._seed, self._rank, self._processes = seed, rank, processes
        self.people = sum(count_samples(path) for path in paths)

    def from_sample(self, first: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Numbers and samples from number `first` on, this process's alone.

        Args:
            first: how many samples all processes together have used; a multiple of their number.
        """
        epoch, used = divmod(first, self.people)
        while True:
            start = epoch * self.people
            for number, sample in enumerate(islice(self._epoch(epoch), used, None), start + used):
                if number % self._processes == self._rank:
                    yield number, sample
            epoch, used = epoch + 1, 0

    def _epoch(self, epoch: int) -> Iterator[dict[str, Any]]:
        rng = random.Random(f"{self._seed} {epoch}")
        paths = [str(path) for path in self._paths]
        rng.shuffle(paths)
        shards = webdataset.WebDataset(
            paths, shardshuffle=False, nodesplitter=everything, workersplitter=everything, empty_check=False
        )
        yield from shards.shuffle(SHUFFLED, initial=SHUFFLED, rng=rng)


def count_samples(shard: Path) -> int:
    """How many samples a tar file holds."""
    with tarfile.open(shard) as file:
        return len({name.partition(".")[0] for name in file.getnames()})
