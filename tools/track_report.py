"""Tracks clips and prints how well it went: `python -m tools.track_report CLIP... [--sheets FOLDER]`.

One row a clip: how often each part was found and the reprojection errors of the live result (first session with
this user, nothing known) and of the offline one. A clip with ground truth beside it (an npz of the same name) also
gets the error of its joints. `--sheets` draws the live result over frames of each clip and from the side, to be
looked at.
"""

from pathlib import Path
from statistics import median

import tyro
from rich.console import Console
from rich.table import Table

from inperson.avatar.body import BodyModel, load_body
from inperson.tracking.clip import observe_clip
from inperson.tracking.evaluate import accuracy, jitter, joints_of, quality
from inperson.tracking.motion_file import MotionClip, clip_of_states, load_motion
from inperson.tracking.offline import track_observations
from inperson.tracking.tracker import Tracker
from tools.track_sheet import write_sheet

COLUMNS = (
    *("clip", "frames", "body found", "hands L, R", "face", "live: body", "hands px"),
    *("offline: body", "hands px", "live: PA body mm", "hands L, R mm", "step mm", "fit ms"),
)


def main(
    clips: tyro.conf.Positional[list[Path]], body: str = "neutral", sheets: Path | None = None, width: int = 150
) -> None:
    """Evaluate tracking on clips.

    Args:
        clips: video files.
        body: the body to fit.
        sheets: folder for the contact sheets.
        width: of the table, characters.
    """
    model = load_body(body)
    table = Table(
        *COLUMNS, caption="body errors are shares of the shoulder-to-hip distance; step: median joint motion"
    )
    for path in clips:
        table.add_row(*row_of(path, model, sheets))
    Console(width=width).print(table)


def row_of(path: Path, body: BodyModel, sheets: Path | None) -> list[str]:
    """One clip's row."""
    seen = observe_clip(path)
    tracker = Tracker(body)
    frames = [tracker.update(obs) for obs in seen.observations]
    states = [frame.state for frame in frames]
    live = clip_of_states(states, framerate=seen.fps)
    offline = track_observations(seen.observations, body, framerate=seen.fps)
    if sheets is not None:
        write_sheet(sheets / f"{path.stem}.jpg", path, states, body)
    first = quality(seen.observations, tuple(frame.residuals for frame in frames))
    second = quality(seen.observations, offline.motion.residuals)
    return [
        path.stem,
        str(first.frames),
        f"{first.body_rate:.1%}",
        f"{first.left_hand_rate:.0%}, {first.right_hand_rate:.0%}",
        f"{first.face_rate:.0%}",
        f"{first.body_relative:.1%}",
        f"{first.hand_px:.1f}",
        f"{second.body_relative:.1%}",
        f"{second.hand_px:.1f}",
        *against_truth(path.with_suffix(".npz"), live, body),
        f"{jitter(joints_of(live, body)):.2f}",
        f"{median(frame.fit_ms for frame in frames):.1f}",
    ]


def against_truth(truth_path: Path, tracked: MotionClip, body: BodyModel) -> list[str]:
    """Joint errors as cells of the table; dashes without ground truth."""
    if not truth_path.is_file():
        return ["-", "-"]
    truth = load_motion(truth_path)
    found = accuracy(joints_of(tracked, body), joints_of(truth, load_body(truth.body_name or "neutral")))
    return [f"{found.body_pa_mpjpe:.1f}", f"{found.left_hand_pa_mpjpe:.1f}, {found.right_hand_pa_mpjpe:.1f}"]


if __name__ == "__main__":
    tyro.cli(main)
