"""`inperson session`: look into a recorded session, find damage, mend it; make one of a motion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from inperson.errors import BadInputError


@dataclass(frozen=True)
class Check:
    """Read all of a session file: every checksum, every message. A damaged file ends with exit code 2."""

    file: tyro.conf.Positional[Path]
    """The session, an .mcap."""
    repair: bool = False
    """Write what can be read into FILE.repaired.mcap beside it; the damaged file is kept."""

    def run(self, console: Console) -> None:
        """Read, say what is wrong, and mend it if asked to."""
        from inperson.app.recording.repair import check, repair, repaired_path
        from inperson.app.recording.report import damage_lines, summary_line

        report = check(self.file)
        console.print(summary_line(report), soft_wrap=True, highlight=False, markup=False)
        for line in damage_lines(report):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        if report.whole:
            console.print("nothing is damaged", highlight=False)
        elif self.repair:
            mended = repair(self.file, repaired_path(self.file))
            console.print(summary_line(mended), soft_wrap=True, highlight=False, markup=False)
            console.print(f"wrote {mended.path}", soft_wrap=True, highlight=False, markup=False)
        else:
            raise BadInputError(
                f"session {self.file} is not whole", f"run `inperson session check {self.file} --repair`"
            )


@dataclass(frozen=True)
class Show:
    """Print what is in a session file: who, how long, how much of what, what happened."""

    file: tyro.conf.Positional[Path]
    """The session, an .mcap."""
    json: bool = False
    """Print JSON instead."""

    def run(self, console: Console) -> None:
        """Read and print."""
        import json

        from inperson.app.recording.reader import SessionReader
        from inperson.app.recording.repair import check
        from inperson.app.recording.report import report_dict, show_lines

        report = check(self.file)
        with SessionReader(self.file) as session:
            people = session.participants()
        if self.json:
            text = json.dumps(report_dict(report, people))
            console.print(text, soft_wrap=True, highlight=False, markup=False)
        else:
            for line in show_lines(report, people):
                console.print(line, soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Import:
    """Make a session of a motion from elsewhere: AMASS, MOTION.npz of `inperson track`, or BVH.

    A .bvh has our skeleton, or joints named as SMPL-X, Mixamo or CMU name them. See docs/exports.md.
    """

    motion: tyro.conf.Positional[Path]
    """The motion: .npz or .bvh."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The session to write, a new .mcap."""
    body: str | None = None
    """The body the motion was made for (.npz that does not say) or goes to (.bvh, by default neutral): neutral, male,
    female or an SMPL-X npz."""
    name: str = "performer"
    """The participant's key in the session: small letters, digits, dashes, underscores."""

    def run(self, console: Console) -> None:
        """Read, convert, write."""
        from inperson.app.importing.session_file import check_session, read_motion, write_session

        check_session(self.out, self.name)
        motion = read_motion(self.motion, self.body)
        write_session(motion, self.out, self.name, self.motion.name)
        seconds = (int(motion.times_ns[-1]) - int(motion.times_ns[0])) / 1e9
        console.print(f"{len(motion)} states, {seconds:.1f} s", highlight=False)
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True)
class Session:
    """Recorded sessions."""

    action: (
        Annotated[Check, tyro.conf.subcommand("check")]
        | Annotated[Show, tyro.conf.subcommand("show")]
        | Annotated[Import, tyro.conf.subcommand("import")]
    )

    def run(self, console: Console) -> None:
        """Run the chosen action."""
        self.action.run(console)
