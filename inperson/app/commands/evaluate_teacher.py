"""`inperson evaluate teacher`: the offline teacher beside the live shader, in numbers."""

import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from inperson.app.commands.evaluate_least import check_least
from inperson.app.commands.evaluate_live import about_live, fingerprint, open_live
from inperson.app.commands.evaluate_writing import JsonPlace, check_place, progress_console, write_result

if TYPE_CHECKING:
    from inperson.shader_model.evaluation.orbit.evaluate import TeacherEvaluationSettings
    from inperson.shader_model.evaluation.orbit.report import AboutTeacher
    from inperson.shader_model.evaluation.orbit.shading import Taught


@dataclass(frozen=True)
class Teacher:
    """Shade people whom no network was trained on, all around them and in motion: the offline teacher beside the live
    shader, the plain render and the truth."""

    weights: Path | None = None
    """The teacher's file; default: the largest that comes with the program."""
    size: Literal["small", "medium", "large"] = "small"
    """Which of the live shaders that come with the program."""
    shader: Path | None = None
    """Another live shader's file, in place of those."""
    engine: str | None = None
    """What runs the live shader, such as torch-fp32 (see bench); default: the fastest here."""
    people: int = 20
    """Synthetic people."""
    views: int = 24
    """Pictures of one orbit around each."""
    pixels: int = 256
    """Side of the crops. The teacher is trained on 256; 512 costs four times as much."""
    seams: int = 2
    """How many people's orbits are looked at for a seam, at three times the cost; 0 leaves it out."""
    windows: int = 1
    """In motion, 12 frames each, the first of them for two eyes; 0 leaves motion out."""
    steps: int | None = None
    """Of the teacher's way from noise to pictures. Default, as of all down to seed: as render --quality teacher."""
    solver: Literal["euler", "heun"] | None = None
    """One pass a step, or two."""
    front: float | None = None
    """Weight of guidance at the front; 1 is none ..."""
    back: float | None = None
    """... and at the back. With 1 for both, a pass costs half."""
    window: int | None = None
    """Views that the teacher sees together."""
    overlap: int | None = None
    """Views that neighbouring windows share at least."""
    shared_noise: float | None = None
    """Share of the noise that all views have in common, 0 to 1."""
    temperature: float | None = None
    """Of the noise, 0 to 1: at 0 what the teacher thinks likeliest; higher, pictures vary and are sharper."""
    seed: int | None = None
    """Of the noise."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """What the teacher computes in."""
    wardrobe: Path | None = None
    """MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe."""
    threads: int | None = None
    """Default: one for each core."""
    json: JsonPlace = None
    """Print JSON instead of a table; with a file's name, write it there and print the table too."""
    sheet: Path | None = None
    """Also write a picture, PNG: plain, live, taught and true side by side, a person in each row."""

    def run(self, console: Console) -> None:
        """Evaluate, then print."""
        check_least(
            ("people", self.people, 1),
            ("seams", self.seams, 0),
            ("windows", self.windows, 0),
            ("threads", 1 if self.threads is None else self.threads, 1),
        )
        check_place(self.json)
        self._evaluate(console)

    def _evaluate(self, console: Console) -> None:
        """Everything that needs heavy imports."""
        import torch

        from inperson.app.reports.evaluate_teacher import teacher_tables
        from inperson.app.reports.stage_bar import StageBar
        from inperson.shader_model.evaluation.orbit.evaluate import evaluate_teacher
        from inperson.shader_model.evaluation.orbit.report import as_json
        from inperson.shader_model.evaluation.orbit.sheet import OrbitSheet
        from inperson.shader_model.evaluation.sheet import save_png
        from inperson.shader_model.network.weights import shipped_shader
        from inperson.shader_model.teacher.weights import teacher_file
        from inperson.workers import available_cores

        threads = self.threads or available_cores()
        torch.set_num_threads(threads)
        settings, weights = self._settings(threads), teacher_file(self.weights, "--weights")
        live = self.shader or shipped_shader(self.size)
        taught, engine = self._taught(weights), open_live(live, self.pixels, threads, self.engine)
        sheet = None if self.sheet is None else OrbitSheet()
        started = time.perf_counter()
        with StageBar(progress_console(console, self.json), "", 1.0) as bar:
            result = evaluate_teacher(taught, engine, settings, sheet, lambda text, done: bar.show(done, text))
        about = about_live(live, engine, threads, time.perf_counter() - started)
        whole = as_json(result, taught, settings, about, _about(weights, taught))
        if sheet is not None and self.sheet is not None:
            save_png(sheet.picture(), self.sheet)
        write_result(console, self.json, whole, teacher_tables(whole))

    def _settings(self, threads: int) -> "TeacherEvaluationSettings":
        from inperson.shader_model.evaluation.frames import WindowSettings
        from inperson.shader_model.evaluation.orbit.evaluate import TeacherEvaluationSettings
        from inperson.shader_model.evaluation.orbit.views import OrbitSettings

        return TeacherEvaluationSettings(
            people=self.people,
            orbit=OrbitSettings(views=self.views, size=self.pixels),
            seams=self.seams,
            windows=WindowSettings(size=self.pixels, windows=self.windows),
            wardrobe=self.wardrobe,
            threads=threads,
        )

    def _taught(self, weights: Path) -> "Taught":
        from inperson.app.shading.engines import compute_device
        from inperson.shader_model.evaluation.orbit.shading import Taught
        from inperson.shader_model.teacher.offline import OfflineSettings
        from inperson.shader_model.teacher.weights import load_teacher

        given = {field.name: getattr(self, field.name) for field in fields(OfflineSettings)}
        how = replace(OfflineSettings(), **{name: value for name, value in given.items() if value is not None})
        return Taught(load_teacher(weights).to(compute_device()), how, self.precision)


def _about(weights: Path, taught: "Taught") -> "AboutTeacher":
    from inperson.shader_model.evaluation.orbit.report import AboutTeacher
    from inperson.shader_model.teacher.weights import read_teacher_header

    return AboutTeacher(
        weights=weights.name,
        weights_sha256=fingerprint(weights),
        provenance=read_teacher_header(weights).provenance,
        device=str(taught.device),
    )
