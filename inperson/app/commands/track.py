"""`inperson track`: every frame of a clip as SMPL-X parameters."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Track:
    """Track a clip offline: every frame, the person's shape learned from the whole clip, smoothed both ways."""

    clip: tyro.conf.Positional[str]
    """A video file or a folder of pictures; demo is the shipped clip."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The motion to write: an npz with AMASS's names, plus hands, face, confidence, camera and residuals."""
    report: Path | None = None
    """Write timings, residuals and how often each part was seen to this JSON file."""
    body: str = "neutral"
    """The body to fit: neutral, male, female, or an SMPL-X npz."""

    def run(self, console: Console) -> None:
        """Track, write, and print a summary."""
        from rich.progress import Progress

        from inperson.app.motion.inputs import choose_source
        from inperson.app.writers import check_writable, write_text
        from inperson.avatar.body import load_body
        from inperson.errors import BadInputError
        from inperson.tracking.clip import track_clip
        from inperson.tracking.motion_file import save_motion

        if self.out.suffix != ".npz":
            raise BadInputError(f"--out {self.out}", "name a file ending in .npz")
        for path in filter(None, (self.out, self.report)):
            check_writable(path)
        body = load_body(self.body)
        source = choose_source(self.clip)
        if not Path(source).exists():
            raise BadInputError(f"clip {source} does not exist", "give a video file or a folder of pictures")
        with Progress(console=console) as progress:
            task = progress.add_task(Path(source).name, total=None)
            tracked = track_clip(Path(source), body, progress=lambda done: progress.update(task, completed=done))
        save_motion(tracked.motion, self.out)
        if self.report is not None:
            write_text(self.report, json.dumps(tracked.report, indent=1) + "\n")
        report = tracked.report
        seen = ", ".join(f"{part.replace('_', ' ')} {share:.0%}" for part, share in report["part_rates"].items())
        console.print(f"{report['frames']} frames at {report['tracking_fps']:.1f}/s; seen: {seen}", highlight=False)
        for name, pixels in report["residuals"].items():
            console.print(f"median {name.replace('_', ' ')}: {pixels:.3g}", highlight=False)
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False)
