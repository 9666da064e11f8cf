"""What `inperson avatar refine` shows: one bar through all stages, and the scores."""

from rich.console import Console
from rich.table import Table

from inperson.app.reports.stage_bar import StageBar
from inperson.reconstruct.refine.clip import Refined, Stage

SHARES: dict[Stage, float] = {Stage.WATCH: 0.15, Stage.ALIGN: 0.1, Stage.OPTIMISE: 0.7, Stage.SCORE: 0.05}
"""Of the bar, about as of the time."""
_ROWS = (("PSNR, dB", "psnr", ".2f"), ("SSIM", "ssim", ".3f"), ("perceptual distance", "perceptual", ".4f"))


class RefineBar(StageBar):
    """A progress bar that the stages of `refine_on_clip` move."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        super().__init__(console, title, 1.0)

    def update(self, stage: Stage, done: int, total: int | None) -> None:
        """`done` of `total` (None: unknown) of a stage, and all stages before it altogether."""
        stages = list(Stage)
        before = sum(SHARES[other] for other in stages[: stages.index(stage)])
        share = done / total if total else 0.0
        text = f"{self._title}: {stage.value}" + (f", {done} frames" if total is None else "")
        self.show(before + SHARES[stage] * share, text)

    def teaching(self, share: float) -> None:
        """So much of teaching the video shader is done; the bar begins again for it."""
        self.show(share, f"{self._title}: teaching the shader")


def score_table(refined: Refined) -> Table:
    """Scores on the held-out part of the clip, before and after."""
    title = f"{refined.held_out} frames that were not learned from ({refined.frames} were, {refined.steps} steps)"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for label, name, form in (*_ROWS, ("outline IoU", "iou", ".3f")):
        table.add_row(label, *(format(getattr(scores, name), form) for scores in (refined.before, refined.after)))
    return table
