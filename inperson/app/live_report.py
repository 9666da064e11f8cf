"""What a live session measured: a table for the terminal, JSON for `--report`."""

import json
from dataclasses import asdict, dataclass

from rich.table import Table

from inperson.app.timing import StageRow


@dataclass(frozen=True, slots=True)
class LiveReport:
    """Figures of one session."""

    source: str
    avatar: str
    backend: str
    view: str
    width: int
    height: int
    """Pixels of the picture that was shown (both eyes of a pair)."""
    seconds: float
    """From the first picture to the last."""
    stages: dict[str, StageRow]
    """`capture` (waiting), `landmarks`, `fit` of tracked frames; `pose`, `draw`, `present`, `encode` of pictures."""
    tracking_fps: float
    display_fps: float
    capture_to_photon_ms: float
    """Median over all pictures: from the capture of the camera frame a picture is based on to its presentation."""
    capture_to_photon_p95_ms: float
    frames_tracked: int
    frames_with_person: int
    frames_dropped: int
    """Camera frames that were never tracked because a newer one was there."""
    pictures: int

    def to_json(self) -> str:
        """For `--report`."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def table(self) -> Table:
        """For the terminal."""
        table = Table(title=f"{self.avatar} after {self.source}", title_justify="left")
        table.add_column("stage")
        for heading in ("median ms", "p95 ms", "count"):
            table.add_column(heading, justify="right")
        for stage, row in self.stages.items():
            table.add_row(stage, f"{row['median_ms']:.1f}", f"{row['p95_ms']:.1f}", str(row["count"]))
        table.add_section()
        table.add_row(
            "[bold]camera to pixels",
            f"[bold]{self.capture_to_photon_ms:.1f}",
            f"{self.capture_to_photon_p95_ms:.1f}",
            str(self.pictures),
        )
        table.caption = (
            f"tracking {self.tracking_fps:.1f}/s, display {self.display_fps:.1f}/s at {self.width}x{self.height} "
            f"({self.backend}), {self.frames_dropped} camera frames dropped"
        )
        return table
