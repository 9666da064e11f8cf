"""How often hands are tracked: `python -m tools.count_hands CLIP... [--sheets FOLDER]`.

For each clip and each hand it counts the frames in which the body's own landmarks put the hand inside the
picture, and in how many of those the hand was read, or could only be carried along with the wrist. Beside it,
how many hands MediaPipe's HandLandmarker finds by itself. Whether what was tracked is right, eyes must judge: the
contact sheets show every frame of the region the hands are in.
"""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import tyro
from mediapipe.tasks.python import vision
from rich.console import Console
from rich.table import Table

from inperson.tracking.landmarkers import Perception
from inperson.tracking.landmarkers_clock import FrameClock
from inperson.tracking.landmarkers_tasks import model_options, task_image
from inperson.tracking.models import HAND, model_path
from inperson.tracking.observation import CameraFrame, Observation
from inperson.tracking.sources import open_source

_CHAINS = ((0, 1, 2, 3, 4), (0, 5, 6, 7, 8), (5, 9, 10, 11, 12), (9, 13, 14, 15, 16), (13, 17, 18, 19, 20), (0, 17))
_COLOURS = {"L": (60, 160, 255), "R": (255, 190, 0)}
_CARRIED_COLOUR = (255, 60, 200)
_TILE_WIDTH, _COLUMNS = 300, 6
_WRISTS = {"L": 15, "R": 16}


@dataclass
class Counts:
    """Frames of one hand."""

    inside: int = 0
    read: int = 0
    carried: int = 0


@dataclass
class ClipCounts:
    """Frames of one clip."""

    frames: int = 0
    body: int = 0
    face: int = 0
    mediapipe_hands: int = 0
    hands: dict[str, Counts] = field(default_factory=lambda: {"L": Counts(), "R": Counts()})


def main(clips: tyro.conf.Positional[list[Path]], sheets: Path | None = None, strip: Path | None = None) -> None:
    """Count, and draw contact sheets.

    Args:
        clips: video files.
        sheets: folder for one contact sheet (JPEG) a clip.
        strip: one picture (JPEG) with a row of a few frames from the middle of each clip.
    """
    rows = []
    table = Table("clip", "n", "body", "face", "hand", "inside", "read", "carried", "tracked", "alone")
    for clip in clips:
        frames, seen, counts = watch(clip)
        for name, hand in counts.hands.items():
            inside = max(hand.inside, 1)
            table.add_row(
                *(
                    clip.stem.removeprefix("intel_"),
                    str(counts.frames),
                    str(counts.body),
                    str(counts.face),
                    name,
                    str(hand.inside),
                ),
                *(str(hand.read), str(hand.carried), f"{(hand.read + hand.carried) / inside:.1%}"),
                f"{counts.mediapipe_hands / max(sum(h.inside for h in counts.hands.values()), 1):.1%}",
            )
        if sheets is not None:
            sheets.mkdir(parents=True, exist_ok=True)
            _save(sheets / f"{clip.stem}.jpg", contact_sheet(frames, seen))
        if strip is not None:
            middle = np.linspace(0.2, 0.8, _COLUMNS) * (len(frames) - 1)
            chosen = [round(i) for i in middle]
            rows.append(contact_sheet([frames[i] for i in chosen], [seen[i] for i in chosen], square=True))
    if strip is not None:
        _save(strip, np.vstack(rows))
    Console().print(table)


def watch(clip: Path) -> tuple[list[CameraFrame], list[Observation], ClipCounts]:
    """Run perception, and MediaPipe's hand task beside it, over a clip."""
    frames, seen, counts, clock = [], [], ClipCounts(), FrameClock()
    options = vision.HandLandmarkerOptions(
        base_options=model_options(model_path(HAND)), running_mode=vision.RunningMode.VIDEO, num_hands=2
    )
    with (
        Perception() as perception,
        open_source(clip, live=False) as source,
        vision.HandLandmarker.create_from_options(options) as task,
    ):
        while (frame := source.read()) is not None:
            one = perception.observe(frame)
            frames.append(frame)
            seen.append(one)
            alone = task.detect_for_video(task_image(frame.image), clock.stamp_ms(frame.time_ns))
            count(counts, one, len(alone.hand_landmarks))
    return frames, seen, counts


def count(counts: ClipCounts, one: Observation, mediapipe_hands: int) -> None:
    """Add one frame."""
    counts.frames += 1
    counts.face += one.face is not None
    if one.body_pixels is None:
        return
    counts.body += 1
    inside_now = 0
    for name, hand in (("L", one.left_hand), ("R", one.right_hand)):
        if not hand_inside(one, name):
            continue
        inside_now += 1
        counts.hands[name].inside += 1
        counts.hands[name].read += hand is not None and not hand.carried
        counts.hands[name].carried += hand is not None and hand.carried
    counts.mediapipe_hands += min(mediapipe_hands, inside_now)


def hand_inside(one: Observation, name: str) -> bool:
    """Whether the body's wrist, little finger and index are inside the picture."""
    assert one.body_pixels is not None
    points = one.body_pixels[_WRISTS[name] : _WRISTS[name] + 5 : 2]
    return bool((points >= 0).all() and (points < [one.intrinsics.width, one.intrinsics.height]).all())


def contact_sheet(frames: list[CameraFrame], seen: list[Observation], square: bool = False) -> np.ndarray:
    """Every frame's body region with the hands drawn: left blue, right orange, carried pink.

    Args:
        square: crop the region to a square from its top.
    """
    bodies = np.concatenate([one.body_pixels[:25] for one in seen if one.body_pixels is not None])
    hands = [h.pixels for one in seen for h in (one.left_hand, one.right_hand) if h is not None]
    points = np.concatenate([bodies[(bodies > 0).all(axis=1)], *hands])
    size = np.array([frames[0].intrinsics.width, frames[0].intrinsics.height])
    low = np.clip(np.percentile(points, 1, axis=0) - 10, 0, size).astype(int)
    high = np.clip(np.percentile(points, 99, axis=0) + 10, 0, size).astype(int)
    if square:
        high[1] = min(high[1], low[1] + high[0] - low[0])
    tiles = [_tile(frame, one, low, high) for frame, one in zip(frames, seen, strict=True)]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    return np.vstack([np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)])


def _save(path: Path, picture: np.ndarray) -> None:
    cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def _tile(frame: CameraFrame, one: Observation, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    scale = _TILE_WIDTH / (high[0] - low[0])
    region = np.ascontiguousarray(frame.image[low[1] : high[1], low[0] : high[0]])
    tile = cv2.resize(region, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    label = str(frame.sequence)
    for name, hand in (("L", one.left_hand), ("R", one.right_hand)):
        if hand is None:
            continue
        label += f" {name}{hand.confidence:.2f}"
        colour = _CARRIED_COLOUR if hand.carried else _COLOURS[name]
        points = np.rint((hand.pixels - low) * scale).astype(np.int32)
        for chain in _CHAINS:
            cv2.polylines(tile, [points[list(chain)]], False, colour, 1, cv2.LINE_AA)
    cv2.putText(tile, label, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 0, 0), 1, cv2.LINE_AA)
    return tile


if __name__ == "__main__":
    tyro.cli(main)
