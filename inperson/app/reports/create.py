"""What `inperson avatar create` shows: one bar through all stages, and the scores."""

from rich.console import Console
from rich.table import Table

from inperson.app.reports.stage_bar import StageBar
from inperson.reconstruct.create import Created, Stage

SHARES: dict[Stage, float] = {
    Stage.FIND: 0.08,
    Stage.POSE: 0.03,
    Stage.CUT_OUT: 0.04,
    Stage.FIT: 0.09,
    Stage.DRESS: 0.1,
    Stage.COMPLETE: 0.08,
    Stage.POLISH: 0.55,
    Stage.SCORE: 0.03,
}
"""Of the bar, about as of the time; a stage that is left out is jumped over."""


class CreateBar(StageBar):
    """A progress bar that the stages of `create_avatar` move."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        super().__init__(console, title, sum(SHARES.values()))

    def update(self, stage: Stage, done: float) -> None:
        """`stage` is done to the share `done`, and all stages before it altogether."""
        before = sum(share for other, share in SHARES.items() if list(Stage).index(other) < list(Stage).index(stage))
        text = f"{self._title}: {stage.value}" if (stage, done) != (Stage.SCORE, 1.0) else self._title
        self.show(before + SHARES[stage] * done, text)


def score_table(created: Created) -> Table:
    """How well the avatar reproduces the photo, and where the time went."""
    table = Table(title="At the photo's own view", title_justify="left", show_header=False)
    scores = created.scores
    table.add_row("outline IoU", f"{scores.iou:.3f}")
    table.add_row("PSNR inside the outline", f"{scores.psnr:.1f} dB")
    table.add_row("SSIM inside the outline", f"{scores.ssim:.3f}")
    table.add_row("Gaussians", f"{len(created.avatar.face_index)}")
    for stage, seconds in created.seconds.items():
        table.add_row(stage.value, f"{seconds:.1f} s")
    table.add_row("all", f"{sum(created.seconds.values()):.1f} s")
    return table
