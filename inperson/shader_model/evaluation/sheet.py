"""A picture of pictures: plain, shaded and true side by side, of several people."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from inperson.avatar.atomic_file import write_atomically
from inperson.shader_model.evaluation.frames import Frame
from inperson.shader_model.evaluation.pictures import over_grey
from inperson.shader_model.evaluation.regions import Region

COLUMNS = ("plain", "shaded", "truth")
KINDS = (Region.FACE, Region.HANDS)
"""What the rows show in turn."""
DETAIL = 320
"""Side of what is cut out about the middle of the region, pixels; they are shown as they are."""
GAP = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    share: int
    """Pixels of the region."""
    pictures: UInt8[np.ndarray, "S W 3"]


class Sheet:
    """Keeps, of each person, the moments that show most of their face and of their hands.

    Args:
        rows: in all; kinds in turn, other people from row to row as long as there are any.
    """

    def __init__(self, rows: int = 6) -> None:
        self._rows = rows
        self._best: dict[Region, dict[str, _Row]] = {kind: {} for kind in KINDS}

    def offer(self, person: str, frame: Frame, shown: dict[str, Float[Tensor, "E 4 H W"]]) -> None:
        """A moment to choose from, by `COLUMNS`. Those right after a reset are not typical and not chosen."""
        if frame.number == 0:
            return
        for kind, best in self._best.items():
            where = frame.regions[0] == kind
            share = int(where.sum())
            if share > (best[person].share if person in best else 0):
                best[person] = _Row(share, _strip([shown[name][0] for name in COLUMNS], where))

    def picture(self) -> UInt8[np.ndarray, "H W 3"]:
        """The sheet.

        Raises:
            ValueError: no moment was offered that shows any face or hand.
        """
        strips = [self._best[kind][who].pictures for kind, who in self._chosen()]
        if not strips:
            raise ValueError("nothing to show")
        return below_each_other(strips)

    def _chosen(self) -> list[tuple[Region, str]]:
        """Whose face or hands each row shows: those of whom nothing is shown yet, the most of it first."""
        chosen: list[tuple[Region, str]] = []
        for number in range(self._rows):
            kind = KINDS[number % len(KINDS)]
            people = {who for _, who in chosen}
            ranked = [
                (who not in people, row.share, who)
                for who, row in self._best[kind].items()
                if (kind, who) not in chosen
            ]
            if ranked:
                chosen.append((kind, max(ranked)[2]))
        return chosen

    def save(self, path: Path) -> None:
        """Write it as a PNG.

        Raises:
            OutputError: the file cannot be written.
        """
        save_png(self.picture(), path)


def save_png(picture: UInt8[np.ndarray, "H W 3"], path: Path) -> None:
    """Write a picture, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    write_atomically(path, file.getvalue())


def below_each_other(strips: Sequence[UInt8[np.ndarray, "_ W 3"]]) -> UInt8[np.ndarray, "H W 3"]:
    """Strips of one width, with gaps between them."""
    gap = np.full((GAP, strips[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([part for strip in strips for part in (strip, gap)][:-1])


def beside_each_other(pictures: Float[Tensor, "N 3 S V"]) -> UInt8[np.ndarray, "S W 3"]:
    """Pictures, 0 to 1, with gaps between them."""
    levels = (pictures * 255.0 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    gap = np.full((levels.shape[1], GAP, 3), 255, np.uint8)
    return np.concatenate([part for picture in levels for part in (picture, gap)][:-1], axis=1)


def _strip(pictures: list[Float[Tensor, "4 H W"]], where: np.ndarray) -> UInt8[np.ndarray, "S W 3"]:
    """The same detail of each, beside each other."""
    side = min(DETAIL, *where.shape)
    row, column = (
        int(np.clip(np.median(at) - side // 2, 0, size - side))
        for at, size in zip(np.nonzero(where), where.shape, strict=True)
    )
    return beside_each_other(over_grey(torch.stack(pictures))[:, :, row : row + side, column : column + side])
