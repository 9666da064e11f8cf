"""`refine_on_clip`: a clip and an avatar in, a better avatar and its scores out."""

import copy
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.provenance import ClipEntry, Provenance, this_tool
from inperson.reconstruct.canonical import CPU
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.refine.aligner import Aligner
from inperson.reconstruct.refine.canonical import canonical_from_avatar
from inperson.reconstruct.refine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from inperson.reconstruct.refine.frames import ClipFrames, ClipParts, share_out, spread
from inperson.reconstruct.refine.learner import Learner
from inperson.reconstruct.refine.objective import Objective
from inperson.reconstruct.refine.optimise import Lesson, Optimiser, Progress
from inperson.reconstruct.refine.preparing import WatchedClip, watch_clip
from inperson.reconstruct.refine.residuals import LearnedResiduals, PoseBasis
from inperson.reconstruct.refine.scoring import ClipScores, score_clip
from inperson.reconstruct.refine.settings import RefineSettings
from inperson.reconstruct.refine.shape import betas_from_clip
from inperson.reconstruct.refine.whose import check_same_person
from inperson.render.cpu.rasterizer import CpuRasterizer

_SAVED_EVERY_S = 20.0
_SHAPE_FRAMES = 12


class Stage(Enum):
    """What is being done; the value is for the progress bar."""

    WATCH = "watching the clip"
    ALIGN = "aligning"
    OPTIMISE = "refining"
    SCORE = "scoring"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told, and asked."""

    progress: Callable[[Stage, int, int | None], None] = lambda stage, done, total: None
    """A stage, how much of it is done, and of how much (None: unknown)."""
    stop: Callable[[], bool] = lambda: False
    """Whether to stop with the best so far; asked at every step of the optimisation."""


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """A refined avatar, and what it is worth."""

    avatar: GaussianAvatar
    before: ClipScores
    """Of the given avatar on the held-out last third of the clip."""
    after: ClipScores
    """Of the refined one there."""
    frames: int
    """That were learned from."""
    held_out: int
    steps: int
    finished: bool
    """False when it was stopped."""
    residuals: int
    """Components that were kept; 0 where none helped on the validation frames."""
    clip: ClipParts
    """The clip in the states of the refined avatar's shape."""


def refine_on_clip(
    avatar: GaussianAvatar,
    body: BodyModel,
    path: Path,
    settings: RefineSettings,
    watcher: Watcher | None = None,
    state_file: Path | None = None,
) -> Refined:
    """Refine an avatar on the first two thirds of a clip, and score it on the last.

    Args:
        avatar: made for `body`; its residuals, if it has any, are learned anew.
        path: a video file or a folder of pictures showing the avatar's person.
        watcher: who is told and asked.
        state_file: where to keep what is needed to go on after an interruption; removed at the end.

    Raises:
        BadInputError: another body, not a clip, nobody, several people, or somebody else in it, or too short.
        MissingModelError: the model files are not there.
        OutputError: the state file cannot be written.
    """
    watcher = watcher or Watcher()
    AvatarPoser(avatar, body).close()  # another body is refused before any work
    watched = watch_clip(path, settings.longest_side, lambda n: watcher.progress(Stage.WATCH, n, None))
    return refine_watched(avatar, body, watched, settings, watcher, state_file)


def refine_watched(
    avatar: GaussianAvatar,
    body: BodyModel,
    watched: WatchedClip,
    settings: RefineSettings,
    watcher: Watcher,
    state_file: Path | None = None,
) -> Refined:
    """`refine_on_clip` of a clip that has been watched."""
    perceptual = Perceptual.load()
    objective = Objective(copy.deepcopy(perceptual).to(settings.device), settings.optimise.weights)
    key = _key(avatar, watched, settings)
    saved = load_checkpoint(state_file, key) if state_file is not None else None
    before = _parts(watched, body, avatar.betas)
    if not settings.any_person:
        states = watched.states(body, avatar.betas)
        at_faces = [states[face.number] for face in watched.faces]
        check_same_person(watched.name, avatar, body, watched.faces, at_faces, CpuRasterizer(), perceptual)
    if saved is None:
        watcher.progress(Stage.ALIGN, 0, 2)
        betas = np.asarray(avatar.betas, np.float32)
        if settings.learn_shape:
            betas = _better_betas(avatar, body, watched, before, objective, settings)
        watcher.progress(Stage.ALIGN, 1, 2)
    else:
        betas = saved.betas
    parts = before if np.array_equal(betas, avatar.betas) else _parts(watched, body, betas)
    optimiser, learner = _optimiser(avatar, body, betas, parts, objective, settings)
    if saved is None:
        optimiser.start()
        watcher.progress(Stage.ALIGN, 2, 2)
    else:
        learner.resume(saved.learner)
        optimiser.progress = saved.progress
    keeper = _Keeper(state_file, key, learner, betas)
    total = settings.optimise.steps

    def told(now: Progress) -> None:
        watcher.progress(Stage.OPTIMISE, now.step, total)
        keeper.keep(now)

    finished = optimiser.run(watcher.stop, told, keeper.save)
    assert optimiser.progress is not None
    if finished and state_file is not None:
        state_file.unlink(missing_ok=True)
    return _scored(avatar, learner, watched, (before, parts), optimiser.progress, finished, perceptual, watcher)


class _Keeper:
    """Saves the state every so often."""

    def __init__(self, path: Path | None, key: str, learner: Learner, betas: Float[np.ndarray, " B"]) -> None:
        self._path, self._key, self._learner, self._betas = path, key, learner, betas
        self._saved_at = time.monotonic()

    def keep(self, now: Progress) -> None:
        """Save if the last time is long ago."""
        if time.monotonic() - self._saved_at > _SAVED_EVERY_S:
            self.save(now)

    def save(self, now: Progress) -> None:
        """Save now."""
        if self._path is not None:
            save_checkpoint(self._path, self._key, Checkpoint(self._betas, now, self._learner.snapshot()))
        self._saved_at = time.monotonic()


def _key(avatar: GaussianAvatar, watched: WatchedClip, settings: RefineSettings) -> str:
    """Names what is refined, on what, and how; not the device: what one began another may go on with."""
    digest = hashlib.sha256(watched.sha256.encode())
    for array in (avatar.face_index, avatar.offsets, avatar.quats, avatar.scales, avatar.sh, avatar.betas):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(f"{avatar.body_sha256} {replace(settings, device=CPU)!r} {this_tool()}".encode())
    return digest.hexdigest()


def _parts(watched: WatchedClip, body: BodyModel, betas: Float[np.ndarray, " B"]) -> ClipParts:
    return share_out(watched.tracked(body, betas), watched.name, watched.fps)


def _small(clip: ClipFrames, settings: RefineSettings) -> ClipFrames:
    return clip.scaled(min(settings.first_side / max(clip.view.width, clip.view.height), 1.0)).cropped()


def _optimiser(
    avatar: GaussianAvatar,
    body: BodyModel,
    betas: Float[np.ndarray, " B"],
    parts: ClipParts,
    objective: Objective,
    settings: RefineSettings,
) -> tuple[Optimiser, Learner]:
    training = parts.training.part(spread(len(parts.training), settings.most_frames))
    basis = PoseBasis.of(training.states, body.num_expression)
    gaussians = canonical_from_avatar(avatar, body).to(settings.device)
    none = LearnedResiduals.none(gaussians, basis)
    learner = Learner(gaussians, none, body, betas, settings.optimise)
    lesson = Lesson(_small(training, settings), training.cropped(), _small(parts.validation, settings))
    schedule = replace(settings.optimise, seed=settings.seed)
    return Optimiser(learner, lesson, objective, schedule, settings.small_share), learner


def _better_betas(
    avatar: GaussianAvatar,
    body: BodyModel,
    watched: WatchedClip,
    parts: ClipParts,
    objective: Objective,
    settings: RefineSettings,
) -> Float[np.ndarray, " B"]:
    """The betas that the training frames ask for, if the validation frames agree."""
    optimiser, learner = _optimiser(avatar, body, avatar.betas, parts, objective, settings)
    chosen = parts.training.part(spread(len(parts.training), _SHAPE_FRAMES))
    clip = _small(chosen, settings)
    betas = betas_from_clip(learner, Aligner(learner, clip), clip)
    other, _ = _optimiser(avatar, body, betas, _parts(watched, body, betas), objective, settings)
    return betas if other.aligned_loss() < optimiser.aligned_loss() else np.asarray(avatar.betas, np.float32)


def _scored(
    avatar: GaussianAvatar,
    learner: Learner,
    watched: WatchedClip,
    parts: tuple[ClipParts, ClipParts],
    progress: Progress,
    finished: bool,
    perceptual: Perceptual,
    watcher: Watcher,
) -> Refined:
    """The avatar with its papers, and the scores on the held-out third, each in the states of its own shape."""
    refined = learner.to_avatar(avatar)
    rasterizer = CpuRasterizer()
    watcher.progress(Stage.SCORE, 0, 2)
    before = score_clip(avatar, learner.body, parts[0].held_out, rasterizer, perceptual)
    watcher.progress(Stage.SCORE, 1, 2)
    after = score_clip(refined, learner.body, parts[1].held_out, rasterizer, perceptual)
    watcher.progress(Stage.SCORE, 2, 2)
    frames = len(parts[1].training) + len(parts[1].validation)
    scores = {f"before_{name}": round(x, 4) for name, x in before.to_dict().items()}
    scores |= {f"after_{name}": round(x, 4) for name, x in after.to_dict().items()}
    scores |= {"frames": frames, "held_out": len(parts[1].held_out), "steps": progress.step}
    entry = ClipEntry(watched.name, watched.sha256, date.today(), round(frames / watched.fps, 2), scores)
    papers = Provenance.from_strings(avatar.provenance)
    papers = replace(papers, clips=(*papers.clips, entry))
    return Refined(
        # what the video shader learned was of the avatar as it was
        avatar=replace(refined, provenance=papers.to_strings(), personal=None),
        before=before,
        after=after,
        frames=frames,
        held_out=len(parts[1].held_out),
        steps=progress.step,
        finished=finished,
        residuals=0 if refined.residuals is None else len(refined.residuals.low),
        clip=parts[1],
    )
