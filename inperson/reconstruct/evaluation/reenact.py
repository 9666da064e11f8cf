"""Self-reenactment: an avatar made from a clip's first frame, driven by tracking the rest, against the real frames.

The tracker is the live one: it knows the avatar's shape, clothes and reference picture, sees one frame after the
other and never looks ahead. The avatar is drawn with the clip's camera over a clean background plate, and compared
where the real person is or the drawn one. Beside it the floor that any avatar must beat: the first frame's person
held still.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.create import Created, CreateSettings, create_avatar
from inperson.reconstruct.evaluation.anchoring import anchors_of
from inperson.reconstruct.evaluation.footage import Footage, SeenFrame, read_footage, watch
from inperson.reconstruct.evaluation.pictures import PictureScore, RealPicture, score_picture, to_float
from inperson.reconstruct.evaluation.plate import background_plate
from inperson.reconstruct.evaluation.refining import refined_on
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.refine.settings import RefineSettings
from inperson.reconstruct.stages import DressedSurface
from inperson.render.backends import make_rasterizer
from inperson.render.gbuffer import Rasterizer
from inperson.render.views import EyeView
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.tracker import Tracker

LEARNED = 2 / 3
"""Share of the clip, at its start, that refining may learn from; scores are then the rest's."""


class Stage(Enum):
    """What `reenact` is doing; the value is for the progress bar."""

    CREATE = "making the avatar"
    WATCH = "watching"
    REFINE = "refining"
    SCORE = "scoring"


Progress = Callable[[Stage, float], None]
"""Told a stage and how much of it is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ReenactSettings:
    """What is evaluated."""

    create: CreateSettings = field(default_factory=CreateSettings)
    refine: RefineSettings | None = None
    """Refine on the first two thirds and score the last; None scores all frames but the first, unrefined."""
    anchored: bool = True
    """The tracker knows the reference picture and the dressed surface; False tracks by landmarks alone."""
    every: int = 1
    """Every how manieth frame is scored; all are tracked."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """Means over the scored frames of one clip."""

    clip: str
    psnr: float
    """dB inside the union of real and drawn person."""
    ssim: float
    perceptual: float
    iou: float
    seconds: float
    """That making the avatar took (and refining it)."""
    hands: float
    """PSNR inside the boxes around detected hands."""
    frozen_psnr: float
    """PSNR of the first frame's person held still, inside the union of theirs and the real one's pixels."""
    frozen_iou: float
    fit_ms: float
    """Median of what the tracker took for a frame besides the landmarkers."""
    frames: int
    """That were scored."""

    def to_dict(self) -> dict[str, str | float | None]:
        """By name, rounded as far as it means anything; None for what has no value (hands that were never seen)."""
        return {name: _rounded(x) if isinstance(x, float) else x for name, x in asdict(self).items()}


def reenact(path: Path, settings: ReenactSettings, progress: Progress = lambda *_: None) -> ClipResult:
    """The test on one clip.

    Raises:
        BadInputError: not a clip, too short a one, or its first frame is not fit for making an avatar.
        MissingModelError: model files or weights are not there.
    """
    footage = read_footage(path)
    started = time.perf_counter()
    created = create_avatar(footage.photo, settings.create, lambda _, done: progress(Stage.CREATE, done))
    seconds = time.perf_counter() - started
    total = len(footage.frames)
    seen = watch(footage, created.fit.view.intrinsics, lambda n: progress(Stage.WATCH, n / total))
    anchors = anchors_of(created, footage.photo.image)
    tracker = live_tracker(created.surface, anchors, anchored=settings.anchored)
    states, fit_ms = drive(tracker, seen)
    avatar, first = created.avatar, 1
    if settings.refine is not None:
        started = time.perf_counter()
        told = _part(progress, Stage.REFINE)
        avatar = refined_on(avatar, created.fit.body, footage, seen, states, settings.refine, told)
        seconds += time.perf_counter() - started
        first = round(LEARNED * total)
    rows = range(first, total, settings.every)
    scores = _score(created, avatar, footage, seen, states, rows, _part(progress, Stage.SCORE))
    return ClipResult(footage.name, **scores, seconds=seconds, fit_ms=fit_ms, frames=len(rows))


def live_tracker(surface: DressedSurface, anchors: AnchorSet, *, anchored: bool = True) -> Tracker:
    """The tracker of a person as they were dressed in the picture of the anchors."""
    if not anchored:
        return Tracker(surface.body, anchors.profile)
    return Tracker(surface.body, anchors=anchors, clothes=surface.displacement)


def drive(tracker: Tracker, seen: Sequence[SeenFrame]) -> tuple[list[BodyState], float]:
    """The tracker's state of every frame, and the median of its time for one, milliseconds."""
    tracked = [tracker.update(s.observation, s.frame.image) for s in seen]
    return [t.state for t in tracked], float(np.median([t.fit_ms for t in tracked]))


def mean_of(results: Sequence[ClipResult]) -> dict[str, float | None]:
    """Every score's mean over the clips, those left out in which it has no value."""
    names = [f.name for f in fields(ClipResult) if f.name != "clip"]
    return {name: _rounded(_mean([getattr(r, name) for r in results])) for name in names}


def _rounded(x: float) -> float | None:
    return round(x, 4) if np.isfinite(x) else None


def _part(progress: Progress, stage: Stage) -> Callable[[float], None]:
    return lambda done: progress(stage, done)


def _score(
    created: Created,
    avatar: GaussianAvatar,
    footage: Footage,
    seen: Sequence[SeenFrame],
    states: Sequence[BodyState],
    rows: Sequence[int],
    told: Callable[[float], None],
) -> dict[str, float]:
    plate = background_plate([s.frame.image for s in seen], [s.alpha for s in seen])
    perceptual, painter = Perceptual.load(), _Painter(avatar, created.fit.body, created.fit.view, plate)
    held, held_inside = _over(to_float(seen[0].cut_out), plate), seen[0].alpha > 127
    scores: list[PictureScore] = []
    frozen: list[PictureScore] = []
    for number, row in enumerate(rows):
        frame = seen[row]
        drawn, drawn_inside = painter.draw(states[row])
        truth = RealPicture(to_float(frame.frame.image), frame.alpha > 127, frame.observation)
        scores.append(score_picture(drawn, drawn_inside, truth, perceptual))
        frozen.append(score_picture(held, held_inside, truth, perceptual))
        told((number + 1) / len(rows))
    painter.close()
    out = {name: _mean([getattr(s, name) for s in scores]) for name in PictureScore.__dataclass_fields__}
    return out | {
        "frozen_psnr": _mean([s.psnr for s in frozen]),
        "frozen_iou": _mean([s.iou for s in frozen]),
    }


class _Painter:
    """Draws an avatar before a plate."""

    def __init__(
        self, avatar: GaussianAvatar, body: BodyModel, view: EyeView, plate: Float[np.ndarray, "H W 3"]
    ) -> None:
        self._poser, self._view, self._plate = AvatarPoser(avatar, body), view, plate
        self._rasterizer: Rasterizer = make_rasterizer("cpu", 1)

    def draw(self, state: BodyState) -> tuple[Float[np.ndarray, "H W 3"], Bool[np.ndarray, "H W"]]:
        """The picture, and where the avatar is in it."""
        posed = self._poser.pose(state, self._view.T_world_from_eye[:3, 3])
        drawn = self._rasterizer.render_color(posed, [self._view])
        rgba = np.concatenate([drawn.rgb[0], drawn.alpha[0][..., None]], axis=2)
        return _over(rgba, self._plate), drawn.alpha[0] > 0.5

    def close(self) -> None:
        """End the threads."""
        self._poser.close()
        self._rasterizer.close()


def _over(rgba: Float[np.ndarray, "H W 4"], plate: Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W 3"]:
    return np.clip(rgba[..., :3] + (1 - rgba[..., 3:]) * plate, 0, 1)


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")
