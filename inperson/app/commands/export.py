"""`inperson export`: a session for other programs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from inperson.app.exporting.options import ExportOptions, MovieOptions


@dataclass(frozen=True)
class Export:
    """Write a session, or a part of it, for other programs; the file's ending says what.

    .mp4, .webm or a new folder of PNGs: a movie on an avatar, with the voice. .npz: the motion, as AMASS has it, with
    hands and face. .bvh: the skeleton. .glb: the avatar's body on its bones, with ARKit's face. .vrma: for VRM
    avatars. .wav: the voice. .rrd: everything, for the rerun viewer. .json: timings and events. See docs/exports.md.
    """

    file: tyro.conf.Positional[Path]
    """The session, an .mcap."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The file to write: .mp4, .webm, .npz, .bvh, .glb, .vrma, .wav, .rrd, .json; or a new folder."""
    participant: str | None = None
    """Whose, by their key in the session; by default the only one's."""
    begin: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Where to begin: seconds from the start, or mm:ss.s."""
    end: Annotated[str | None, tyro.conf.arg(name="to")] = None
    """Where to end: seconds from the start, or mm:ss.s."""
    avatar: str | None = None
    """Another avatar than the session's: a shipped one's name or an .avatar file."""
    body: str | None = None
    """The body that the avatar, or else the motion, was made for, if the session does not know: neutral, male, female
    or an SMPL-X npz."""
    fps: float | None = None
    """Steady frames a second; by default a frame of each recorded state (.bvh: the session's own rate)."""
    movie: Annotated[MovieOptions, tyro.conf.arg(name="")] = field(default_factory=MovieOptions)

    def run(self, console: Console) -> None:
        """Read, convert, write."""
        from rich.progress import track

        from inperson.app.exporting.export import export
        from inperson.app.recording.span import Span

        export(
            self.file,
            self.out,
            Span.of(self.begin, self.end),
            ExportOptions(self.participant, self.avatar, self.body, self.fps, self.movie),
            say=lambda words: console.print(words, highlight=False, markup=False),
            watch=lambda pictures, total: iter(
                track(pictures, self.out.name.replace("[", "\\["), total=total, console=console)
            ),
        )
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False, markup=False)
