"""The loop: the same on one process and two, after a restart, and better than where it began."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from inperson.errors import BadInputError
from inperson.reconstruct.training.checkpoint import newest_checkpoint
from inperson.reconstruct.training.recipe import OptimiserRecipe
from inperson.shader_model.network.weights import load_shader, read_shader_header
from inperson.shader_model.teacher.config import TeacherConfig
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.weights import save_teacher
from inperson.shader_model.training.export import export
from inperson.shader_model.training.recipe import LossRecipe, Recipe, TeacherRecipe
from inperson.shader_model.training.trainer import Trainer
from tests.training_runs import logged, losses, weights

ROOT = Path(__file__).parents[3]


def trainer(recipe: Recipe, data: Path, folder: Path, start: Path | None = None) -> Trainer:
    return Trainer(recipe, data, folder, start, accelerator=Accelerator(cpu=True))


@pytest.fixture(scope="module")
def whole(shards: Path, tiny: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    trainer(tiny, shards, folder).run()
    return folder


def test_a_run_is_logged_and_scored(whole: Path) -> None:
    lines = logged(whole)
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4]
    parts = {"color", "color_squared", "ssim", "edges", "alpha", "hold", "temporal", "perceptual", "adversarial"}
    for line in steps:
        assert line["loss"] == pytest.approx(sum(line[name] for name in (*parts, "critic")), rel=1e-5)
        assert line["gradient_shader"] > 0
        assert line["gradient_critic"] > 0
    scores = lines[-1]["held_out"]
    assert set(scores) == {f"{p}{s}" for p in ("", "plain_") for s in ("psnr", "perceptual", "sharpness", "warping")}
    assert newest_checkpoint(whole).name == "step-000004.safetensors"


def test_a_resumed_run_is_the_uninterrupted_one(whole: Path, shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    halfway = (whole / "step-000002.safetensors").read_bytes()
    (tmp_path / "step-000002.safetensors").write_bytes(halfway)
    trainer(tiny, shards, tmp_path).run()
    assert losses(tmp_path) == losses(whole)[2:]
    assert (tmp_path / "step-000004.safetensors").read_bytes() == (whole / "step-000004.safetensors").read_bytes()


def test_two_processes_reach_the_weights_of_one(whole: Path, shards: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    command += ["--standalone", str(Path(__file__).parent / "parallel_run.py"), str(shards), str(tmp_path)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert losses(tmp_path) == pytest.approx(losses(whole), rel=2e-5)
    alone, together = weights(whole), weights(tmp_path)
    assert any("critic" in name for name in alone)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, atol=1e-4, rtol=1e-3)


def test_training_makes_pictures_better(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    longer = replace(
        tiny,
        loss=LossRecipe(perceptual=0.0),
        optimiser=OptimiserRecipe(steps=40, batch=4, rate=4e-3, warm_up=1, average=0.9, validate_every=40),
    )
    trainer(longer, shards, tmp_path).run()
    scores = logged(tmp_path)[-1]["held_out"]
    assert scores["psnr"] > scores["plain_psnr"] + 1.0
    assert abs(1 - scores["sharpness"]) < abs(1 - scores["plain_sharpness"])


def test_a_run_ends_when_its_time_is_up(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    trainer(tiny, shards, tmp_path).run(minutes=1e-9, workers=1)
    lines = logged(tmp_path)
    assert [line["step"] for line in lines] == [1, 1]
    assert "held_out" in lines[-1]


def test_the_average_is_exported_and_may_be_gone_on_from(
    whole: Path, shards: Path, tiny: Recipe, tmp_path: Path
) -> None:
    out, recipe = tmp_path / "shader.safetensors", tmp_path / "tiny.toml"
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in tiny.network.items())
    recipe.write_text(f"[network]\n{table}\n[critic]\nwidth = 4\n[loss]\nadversarial = 0.01\n")
    provenance = export(whole, out, recipe)
    assert (provenance["steps"], provenance["samples"], provenance["recipe"]) == ("4", "16", "tiny")
    assert "psnr" in provenance["held_out"]
    assert read_shader_header(out).provenance == provenance
    exported = load_shader(out).state_dict()
    stored = load_file(newest_checkpoint(whole))
    for name, value in exported.items():
        torch.testing.assert_close(value, stored[f"average/{name}"].half().float(), atol=0, rtol=0)
    again = export(whole, tmp_path / "again.safetensors", recipe, out, ("a.mkv", "b.mkv"))
    assert json.loads(again["start"]) == provenance
    assert again["data"] == f"{provenance['data']}; real people in a.mkv, b.mkv"
    started = trainer(replace(tiny, loss=LossRecipe()), shards, tmp_path / "next", start=out)
    for name, value in started.average.state_dict().items():
        torch.testing.assert_close(value, exported[name], atol=0, rtol=0)
    assert all(parameter.requires_grad for parameter in started.learning.parameters())


def test_a_teacher_may_have_its_say(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_teacher(Teacher(TeacherConfig((32, 32, 32), (1, 1, 1), embedding=32)), tmp_path / "t.safetensors", {})
    taught = replace(
        tiny,
        loss=LossRecipe(perceptual=0.0, trajectory=10.0),
        teacher=TeacherRecipe(str(tmp_path / "t.safetensors")),
        optimiser=replace(tiny.optimiser, steps=3, warm_up=1),
    )
    trainer(taught, shards, tmp_path / "run").run()
    said = [line["trajectory"] for line in logged(tmp_path / "run") if "loss" in line]
    assert said[0] == 0.0  # both begin with the render: an untrained teacher has nothing against it
    assert said[-1] > 0.0
    for path in (tmp_path / "gone.safetensors", tmp_path / "run" / "step-000002.safetensors"):
        with pytest.raises(BadInputError, match=path.name):
            trainer(replace(taught, teacher=TeacherRecipe(str(path))), shards, tmp_path / "other")


def test_what_cannot_work_is_said(shards: Path, tiny: Recipe, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no train shards.*make_shader_shards"):
        trainer(tiny, tmp_path, tmp_path)
    with pytest.raises(BadInputError, match="no checkpoint"):
        export(tmp_path / "nowhere", tmp_path / "x", tmp_path / "r")
    with pytest.raises(BadInputError, match="does not fit"):
        trainer(replace(tiny, loss=LossRecipe()), shards, whole)  # its checkpoints have a critic
