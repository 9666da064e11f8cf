"""The whole evaluation of a teacher: who is shown, in which order, and what comes out."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inperson.reconstruct.perceptual import Perceptual
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.shader_model.data.subjects import SubjectMaker
from inperson.shader_model.evaluation.evaluate import WINDOWS, Told
from inperson.shader_model.evaluation.frames import WindowSettings
from inperson.shader_model.evaluation.orbit.moving import MovingEvaluation
from inperson.shader_model.evaluation.orbit.scores import OrbitEvaluation
from inperson.shader_model.evaluation.orbit.shading import OnPass, Taught
from inperson.shader_model.evaluation.orbit.sheet import OrbitSheet
from inperson.shader_model.evaluation.orbit.views import OrbitSettings, orbit_of
from inperson.shader_model.evaluation.people import evaluation_people, evaluation_recipe
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.stream import ShaderStream
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe

ORBIT = 4
"""Stream of random numbers that follows from a person's seed, beside those of `evaluation.evaluate`."""
SEAM_SHARE = 2.0
"""What looking for a seam costs, about, in orbits."""


@dataclass(frozen=True, slots=True)
class TeacherEvaluationSettings:
    """What is shown of whom."""

    people: int = 20
    orbit: OrbitSettings = field(default_factory=OrbitSettings)
    seams: int = 2
    """How many people's orbits are looked at for a seam: the teacher shades these more often."""
    windows: WindowSettings = field(default_factory=lambda: WindowSettings(size=256, windows=1))
    """In motion. None of them leaves that out."""
    wardrobe: Path | None = None
    """MakeHuman assets; None looks where `Wardrobe` does."""
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class TeacherEvaluation:
    """What was measured."""

    around: OrbitEvaluation
    moving: MovingEvaluation


def evaluate_teacher(
    taught: Taught,
    engine: Engine,
    settings: TeacherEvaluationSettings,
    sheet: OrbitSheet | None = None,
    told: Told = lambda text, done: None,
) -> TeacherEvaluation:
    """Person after person. The same settings, teacher and engine give the same numbers.

    Args:
        engine: runs the live model.
        sheet: gets pictures.

    Raises:
        MissingModelError: model files or the wardrobe are not there.
    """
    perceptual = Perceptual.load()
    progress = _Progress(settings, told)
    with ExitStack() as cleanup:
        rasterizer = CpuRasterizer(settings.threads)
        cleanup.callback(rasterizer.close)
        stage = cleanup.enter_context(Stage())
        stream = cleanup.enter_context(ShaderStream(engine, settings.threads))
        maker = SubjectMaker(Dresser(Wardrobe(settings.wardrobe)), stage, evaluation_recipe())
        around = OrbitEvaluation(stream, taught, perceptual)
        moving = MovingEvaluation(maker.body, stage, rasterizer, stream, taught, perceptual)
        for number, who in enumerate(evaluation_people(settings.people)):
            progress.say(f"{who.name}: making the avatar")
            subject = maker.make(who)
            rng = np.random.default_rng([who.seed, ORBIT])
            orbit = orbit_of(subject, maker.body, stage, rasterizer, settings.orbit, rng)
            views = len(orbit.views)
            shown = around.add(who.name, orbit, progress.of(f"{who.name}: all around", views))
            if number < settings.seams:
                around.add_seam(orbit, shown, progress.of(f"{who.name}: at the seam", SEAM_SHARE * views))
            if sheet is not None:
                sheet.offer(orbit, shown)
            if settings.windows.windows:
                rng = np.random.default_rng([who.seed, WINDOWS])
                shadings = _pictures(settings.windows) / settings.windows.windows
                moving.add(subject, settings.windows, rng, progress.of(f"{who.name}: in motion", shadings))
        return TeacherEvaluation(around, moving)


def _pictures(how: WindowSettings) -> int:
    """Of one person's windows, the first of which is seen by two eyes."""
    return how.frames * (how.windows + 1) if how.windows else 0


class _Progress:
    """How much of everything is done, in pictures that the teacher shades."""

    def __init__(self, how: TeacherEvaluationSettings, told: Told) -> None:
        seams = SEAM_SHARE * min(how.seams, how.people) / how.people
        self._total = how.people * (how.orbit.views * (1.0 + seams) + _pictures(how.windows))
        self._done = 0.0
        self._told = told

    def of(self, text: str, pictures: float) -> OnPass:
        """Told of the passes over so many pictures."""

        def on_pass(done: int, total: int) -> None:
            self._done += pictures / total
            self.say(f"{text}, pass {done} of {total}")

        return on_pass

    def say(self, text: str) -> None:
        """What is done now."""
        self._told(text, min(self._done / self._total, 1.0))
