"""What `inperson evaluate` shows: a bar while it works, and tables."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inperson.app.reports.stage_bar import StageBar
from inperson.reconstruct.evaluation.held_out import HeldOutScore
from inperson.reconstruct.evaluation.reenact import ClipResult, Stage, mean_of

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("psnr", "PSNR dB", ".2f"),
    ("ssim", "SSIM", ".3f"),
    ("perceptual", "perceptual", ".3f"),
    ("iou", "IoU", ".3f"),
    ("hands", "hands dB", ".2f"),
    ("frozen_psnr", "frozen dB", ".2f"),
    ("fit_ms", "fit ms", ".1f"),
    ("seconds", "create s", ".1f"),
    ("frames", "frames", ".0f"),
)


class ReenactBar(StageBar):
    """One bar through all clips."""

    def __init__(self, console: Console, clips: int) -> None:
        super().__init__(console, "", clips)
        self._begun = 0

    def of(self, name: str) -> Callable[[Stage, float], None]:
        """What the next clip reports to."""
        before = self._begun
        self._begun += 1
        stages = list(Stage)

        def update(stage: Stage, done: float) -> None:
            completed = before + (stages.index(stage) + done) / len(stages)
            self.show(completed, f"{name}: {stage.value}")

        return update


def reenact_table(results: Sequence[ClipResult]) -> Table:
    """A row a clip, and their means."""
    table = Table("clip", *(title for _, title, _ in _COLUMNS), title="Self-reenactment, inside the union of masks")
    for result in results:
        cells = (_cell(getattr(result, name), form) for name, _, form in _COLUMNS)
        table.add_row(escape(result.clip), *cells)
    table.add_section()
    mean = mean_of(results)
    table.add_row("mean", *(_cell(mean[name], form) for name, _, form in _COLUMNS))
    return table


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None or value != value else format(value, form)


def held_out_table(scores: Sequence[HeldOutScore]) -> Table:
    """A row for each method, kind of view and region."""
    table = Table("method", "views", "region", "PSNR dB", "SSIM", "perceptual", title="Held-out synthetic people")
    for s in scores:
        table.add_row(s.method, s.kind, s.region, f"{s.psnr:.2f}", f"{s.ssim:.3f}", f"{s.perceptual:.3f}")
    return table
