"""The whole evaluation of one network: who is shown, in which order, and what comes out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inperson.reconstruct.create import CreateSettings
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.training.people import PersonSeed
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.subjects import Subject, SubjectMaker
from inperson.shader_model.evaluation.drift import Ends, compare_ends
from inperson.shader_model.evaluation.frames import WindowSettings
from inperson.shader_model.evaluation.long_run import run_long
from inperson.shader_model.evaluation.people import evaluation_people, evaluation_recipe
from inperson.shader_model.evaluation.reenacted import ReenactedClip, reenact_shaded
from inperson.shader_model.evaluation.sheet import Sheet
from inperson.shader_model.evaluation.synthetic import SyntheticEvaluation
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.stream import ShaderStream
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe

WINDOWS, LONG = 2, 3
"""Streams of random numbers that follow from a person's seed."""
TELL_EVERY = 100
"""Frames of the long run."""
LONG_SHARE = 0.03
"""What a frame of the long run costs, about, in frames of a window."""
CLIP_SHARE = 15.0
"""Likewise, a quarter of a clip."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What is shown, for how long."""

    people: int = 20
    """0 leaves out everything synthetic but the long run."""
    windows: WindowSettings = field(default_factory=WindowSettings)
    still_frames: int = 60
    drift_frames: int = 20_000
    """0 leaves the long run out."""
    clips: tuple[Path, ...] = ()
    every: int = 3
    """Every how manieth frame of a clip is scored; all are shaded."""
    create: CreateSettings = field(default_factory=CreateSettings)
    """How clips' avatars are made."""
    wardrobe: Path | None = None
    """MakeHuman assets; None looks where `Wardrobe` does."""
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """The long run's start and end."""

    person: str
    frames: int
    resets: int
    ends: dict[str, Ends]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured; None for what was left out."""

    synthetic: SyntheticEvaluation | None
    drift: Drift | None
    clips: dict[str, dict[str, ReenactedClip]]
    """By file name, then by method."""


Told = Callable[[str, float], None]
"""Told what is done now, and how much of all of it is done, 0 to 1."""


def evaluate_shader(
    engine: Engine, settings: EvaluationSettings, sheet: Sheet | None = None, told: Told = lambda text, done: None
) -> Evaluation:
    """Everything, one thing after the other. The same settings and engine give the same numbers.

    Args:
        engine: runs the network, in the evaluation as live.
        sheet: gets pictures to choose from.

    Raises:
        BadInputError: a clip is none, or its first frame is not fit for making an avatar.
        MissingModelError: model files, weights or the wardrobe are not there.
    """
    perceptual = Perceptual.load()
    with ExitStack() as cleanup:
        rasterizer = CpuRasterizer(settings.threads)
        cleanup.callback(rasterizer.close)
        bench = _Bench(engine, perceptual, rasterizer, settings, _Progress(settings, told))
        synthetic = drift = None
        if settings.people or settings.drift_frames:
            stage = cleanup.enter_context(Stage())
            synthetic, drift = bench.synthetic(stage, sheet)
        return Evaluation(synthetic, drift, dict(bench.clips()))


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """What all measures need."""

    engine: Engine
    perceptual: Perceptual
    rasterizer: CpuRasterizer
    settings: EvaluationSettings
    progress: "_Progress"

    def synthetic(self, stage: Stage, sheet: Sheet | None) -> tuple[SyntheticEvaluation | None, Drift | None]:
        """People one after the other; the first one stays for the long run."""
        how = self.settings
        maker = SubjectMaker(Dresser(Wardrobe(how.wardrobe)), stage, evaluation_recipe())
        whole = SyntheticEvaluation(
            maker.body, stage, self.rasterizer, self.engine, self.perceptual, threads=how.threads
        )
        drift: Drift | None = None
        for number, who in enumerate(evaluation_people(max(how.people, 1))):
            self.progress.tell(f"{who.name}: making the avatar")
            subject = maker.make(who)
            if number < how.people:
                rng = np.random.default_rng([who.seed, WINDOWS])
                whole.add(subject, how.windows, how.still_frames, rng, sheet, self._windows_told(who))
            if number == 0 and how.drift_frames:
                drift = self._long_run(maker, who, subject)
        return whole if how.people else None, drift

    def _windows_told(self, who: PersonSeed) -> Callable[[int], None]:
        return lambda frames: self.progress.step(f"{who.name}: frame {frames}", 1.0)

    def _long_run(self, maker: SubjectMaker, who: PersonSeed, subject: Subject) -> Drift:
        def told(frames: int) -> None:
            if frames % TELL_EVERY == 0:
                self.progress.step(f"{who.name}: frame {frames} of the long run", LONG_SHARE * TELL_EVERY)

        rng = np.random.default_rng([who.seed, LONG])
        with ShaderStream(self.engine, self.settings.threads) as stream:
            run = run_long(
                *(subject, maker.body, self.rasterizer, stream, self.perceptual),
                *(self.settings.drift_frames, rng, told),
            )
        ends = {name: compare_ends(values) for name, values in run.series.items()}
        known = {name: one for name, one in ends.items() if one is not None}  # hair that is never seen has none
        return Drift(who.name, self.settings.drift_frames, run.resets, known)

    def clips(self) -> Iterator[tuple[str, dict[str, ReenactedClip]]]:
        """Clip after clip."""
        how = self.settings
        for path in how.clips:

            def told(text: str, name: str = path.name) -> None:
                self.progress.step(f"{name}: {text}", CLIP_SHARE)

            with ShaderStream(self.engine, how.threads) as stream:
                yield (
                    path.name,
                    reenact_shaded(path, how.create, self.rasterizer, stream, self.perceptual, how.every, told),
                )


class _Progress:
    """How much of everything is done."""

    def __init__(self, settings: EvaluationSettings, told: Told) -> None:
        windows = settings.people * settings.windows.windows * settings.windows.frames
        self._total = windows + LONG_SHARE * settings.drift_frames + 4 * CLIP_SHARE * len(settings.clips)
        self._done = 0.0
        self._told = told

    def step(self, text: str, by: float) -> None:
        self._done += by
        self.tell(text)

    def tell(self, text: str) -> None:
        self._told(text, min(self._done / max(self._total, 1e-9), 1.0))
