"""`inperson evaluate shader`: the live shader beside the plain render, in numbers."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from rich.console import Console

from inperson.app.commands.evaluate_least import check_least
from inperson.app.commands.evaluate_live import about_live, open_live
from inperson.app.commands.evaluate_writing import JsonPlace, check_place, progress_console, write_result
from inperson.errors import BadInputError

if TYPE_CHECKING:
    from inperson.shader_model.evaluation.evaluate import EvaluationSettings


@dataclass(frozen=True)
class Shader:
    """Shade people whom no network was trained on, and clips; compare with the truth, beside the plain render."""

    clips: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Video files or folders of pictures, one person before a camera that stands still: avatars are made from their
    first frames."""
    size: Literal["small", "medium", "large"] = "small"
    """Which of the shaders that come with the program."""
    weights: Path | None = None
    """Another shader's file, in place of those."""
    engine: str | None = None
    """What runs it, such as torch-fp32 (see bench); default: the fastest here, as live takes it."""
    people: int = 20
    """Synthetic people; 0 leaves them out."""
    drift_frames: int = 20_000
    """Length of the run that must not drift; 0 leaves it out."""
    every: int = 3
    """Score every n-th frame of clips."""
    fast: bool = False
    """Do not polish the clips' avatars."""
    wardrobe: Path | None = None
    """MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe."""
    threads: int | None = None
    """Default: one for each core."""
    json: JsonPlace = None
    """Print JSON instead of a table; with a file's name, write it there and print the table too."""
    sheet: Path | None = None
    """Also write a picture, PNG: plain, shaded and true side by side."""

    def run(self, console: Console) -> None:
        """Evaluate, then print."""
        check_least(
            ("people", self.people, 0),
            ("drift-frames", self.drift_frames, 0),
            ("every", self.every, 1),
            ("threads", 1 if self.threads is None else self.threads, 1),
        )
        if 0 < self.drift_frames < 16:
            raise BadInputError(f"--drift-frames {self.drift_frames}", "give 0, or at least 16")
        check_place(self.json)
        if self.sheet is not None and not self.people:
            raise BadInputError("--sheet shows synthetic people, and --people is 0", "ask for some people")
        for clip in self.clips:
            if not clip.exists():
                raise BadInputError(f"clip {clip} does not exist", "give a video file or a folder of pictures")
        if not (self.people or self.drift_frames or self.clips):
            raise BadInputError("evaluate shader has nothing to do", "ask for people, drift frames or clips")
        self._evaluate(console)

    def _evaluate(self, console: Console) -> None:
        """Everything that needs heavy imports."""
        import torch

        from inperson.app.reports.evaluate_shader import shader_tables
        from inperson.app.reports.stage_bar import StageBar
        from inperson.shader_model.evaluation.evaluate import evaluate_shader
        from inperson.shader_model.evaluation.frames import WindowSettings
        from inperson.shader_model.evaluation.report import as_json
        from inperson.shader_model.evaluation.sheet import Sheet
        from inperson.shader_model.network.weights import shipped_shader
        from inperson.workers import available_cores

        threads = self.threads or available_cores()
        torch.set_num_threads(threads)
        weights = self.weights or shipped_shader(self.size)
        engine = open_live(weights, WindowSettings().size, threads, self.engine)
        sheet = None if self.sheet is None else Sheet()
        started = time.perf_counter()
        with StageBar(progress_console(console, self.json), "", 1.0) as bar:
            result = evaluate_shader(engine, self._settings(threads), sheet, lambda text, done: bar.show(done, text))
        whole = as_json(result, about_live(weights, engine, threads, time.perf_counter() - started))
        if sheet is not None and self.sheet is not None:
            sheet.save(self.sheet)
        write_result(console, self.json, whole, shader_tables(whole))

    def _settings(self, threads: int) -> "EvaluationSettings":
        from inperson.reconstruct.create import CreateSettings
        from inperson.shader_model.evaluation.evaluate import EvaluationSettings

        return EvaluationSettings(
            people=self.people,
            drift_frames=self.drift_frames,
            clips=self.clips,
            every=self.every,
            create=CreateSettings(fast=self.fast),
            wardrobe=self.wardrobe,
            threads=threads,
        )
