"""`inperson evaluate`: how good avatars are, in numbers."""

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from inperson.app.commands.evaluate_shader import Shader
from inperson.app.commands.evaluate_teacher import Teacher
from inperson.app.processes.threads import one_blas_thread
from inperson.errors import BadInputError

if TYPE_CHECKING:
    from inperson.reconstruct.evaluation.reenact import ClipResult, ReenactSettings


@dataclass(frozen=True)
class Reenact:
    """Make an avatar from a clip's first frame, drive it by tracking the rest, compare with the real frames."""

    clips: tyro.conf.Positional[tuple[Path, ...]]
    """Video files or folders of pictures: one person before a camera that stands still."""
    refine: bool = False
    """Refine the avatar on the first two thirds of each clip, and score the last third."""
    fast: bool = False
    """Take the network's answer without polishing it."""
    network: bool = True
    """Without: complete by mirrored texture alone."""
    anchors: bool = True
    """Without: track by landmarks alone, and not by the reference picture too."""
    every: int = 1
    """Score every n-th frame."""
    json: bool = False
    """Print JSON instead of a table."""
    seed: int = 0
    """Of everything random."""

    def run(self, console: Console) -> None:
        """Evaluate clip after clip, then print."""
        if not self.clips:
            raise BadInputError("evaluate reenact was given no clip", "name one or more video files")
        if self.every < 1:
            raise BadInputError(f"--every {self.every}", "give at least 1")
        for clip in self.clips:
            if not clip.exists():
                raise BadInputError(f"clip {clip} does not exist", "give a video file or a folder of pictures")
        self._evaluate(console)

    def _evaluate(self, console: Console) -> None:
        """Everything that needs heavy imports."""
        import torch

        from inperson.app.reports.evaluate import ReenactBar, reenact_table
        from inperson.reconstruct.evaluation.reenact import mean_of, reenact

        torch.set_num_threads(1)
        settings = self._settings()
        results: list[ClipResult] = []
        with ReenactBar(Console(stderr=True) if self.json else console, len(self.clips)) as bar:
            for clip in self.clips:
                results.append(reenact(clip, settings, bar.of(clip.name)))
        if self.json:
            whole = {"clips": [r.to_dict() for r in results], "mean": mean_of(results)}
            console.print(json.dumps(whole), soft_wrap=True, highlight=False, markup=False)
        else:
            console.print(reenact_table(results))

    def _settings(self) -> "ReenactSettings":
        from inperson.reconstruct.create import CreateSettings
        from inperson.reconstruct.evaluation.reenact import ReenactSettings
        from inperson.reconstruct.refine.settings import RefineSettings

        create = CreateSettings(fast=self.fast, completion="network" if self.network else "plain", seed=self.seed)
        refine = RefineSettings(seed=self.seed) if self.refine else None
        return ReenactSettings(create, refine, anchored=self.anchors, every=self.every)


@dataclass(frozen=True)
class Create:
    """Make avatars from one picture of synthetic people who were never trained on, compare them from all sides."""

    people: tyro.conf.Positional[Path]
    """Folder with held_out shards (`python -m tools.make_training_shards people`)."""
    count: int = 20
    """People, at most."""
    methods: tuple[Literal["mirror", "plain", "network", "create"], ...] = ("mirror", "plain", "network", "create")
    """Mirrored texture alone; completed by rules; by the network; and that answer polished against the picture."""
    network: Path | None = None
    """Weights of another reconstruction network than the shipped one (ablations)."""
    undressed: bool = False
    """Leave the body's surface bare, without offsets to the outline (an ablation)."""
    json: bool = False
    """Print JSON instead of a table."""
    seed: int = 0
    """Of everything random."""

    def run(self, console: Console) -> None:
        """Evaluate person after person, then print."""
        if self.count < 1:
            raise BadInputError(f"--count {self.count}", "give at least 1")
        if not self.methods:
            raise BadInputError("--methods names none", "name mirror, plain, network, create, or several of them")
        self._evaluate(console)

    def _evaluate(self, console: Console) -> None:
        """Everything that needs heavy imports."""
        import torch

        from inperson.app.reports.evaluate import held_out_table
        from inperson.reconstruct.create import CreateSettings
        from inperson.reconstruct.evaluation.held_out import HeldOutScore, HeldOutSettings, evaluate_person, means
        from inperson.reconstruct.perceptual import Perceptual
        from inperson.reconstruct.training.shards import decode_person, find_shards, read_shards

        torch.set_num_threads(1)
        like = CreateSettings(network=self.network, dressed=not self.undressed, seed=self.seed)
        settings = HeldOutSettings.of(self.methods, like)
        samples = islice(read_shards(find_shards(self.people, "held_out")), self.count)
        perceptual, scores = Perceptual.load(), list[HeldOutScore]()
        with (Console(stderr=True) if self.json else console).status("") as status:
            for sample in samples:
                person = decode_person(sample)

                def told(method: str, name: str = person.name) -> None:
                    status.update(f"{escape(name)}: {method}")

                scores += evaluate_person(person, settings, perceptual, told)
        if self.json:
            whole = {"people": [s.to_dict() for s in scores], "mean": [s.to_dict() for s in means(scores)]}
            console.print(json.dumps(whole), soft_wrap=True, highlight=False, markup=False)
        else:
            console.print(held_out_table(means(scores)))


@dataclass(frozen=True)
class Evaluate:
    """How good avatars are, in numbers."""

    action: (
        Annotated[Reenact, tyro.conf.subcommand("reenact")]
        | Annotated[Create, tyro.conf.subcommand("create")]
        | Annotated[Shader, tyro.conf.subcommand("shader")]
        | Annotated[Teacher, tyro.conf.subcommand("teacher")]
    )

    def run(self, console: Console) -> None:
        """Run the chosen evaluation."""
        one_blas_thread()
        self.action.run(console)
