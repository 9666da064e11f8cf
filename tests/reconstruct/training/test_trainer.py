"""The loop: the same on one process and two, after a restart, and better than where it began."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from inperson.errors import BadInputError
from inperson.reconstruct.network.weights import load_network, read_header
from inperson.reconstruct.training.batches import BODY_PRIOR
from inperson.reconstruct.training.checkpoint import load_checkpoint, newest_checkpoint
from inperson.reconstruct.training.export import export
from inperson.reconstruct.training.recipe import Recipe
from inperson.reconstruct.training.trainer import Trainer
from tests.training_runs import logged, losses, weights

ROOT = Path(__file__).parents[3]


def trainer(recipe: Recipe, data: Path, folder: Path) -> Trainer:
    return Trainer(recipe, data, folder, accelerator=Accelerator(cpu=True))


@pytest.fixture(scope="module")
def whole(prepared: Path, tiny: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    trainer(tiny, prepared, folder).run()
    return folder


def test_a_run_learns_and_is_scored(whole: Path, tiny: Recipe) -> None:
    lines = logged(whole)
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4]
    assert [("render" in line) for line in lines if "loss" in line] == [True, False, True, False]
    color = [line["part"] for line in lines if "loss" in line]
    assert color[-1] < color[0]
    scores = lines[-1]["held_out"]
    assert set(scores) == {"unseen_psnr", "plain_unseen_psnr", "offset_mm", "plain_offset_mm", "part_share"}
    assert newest_checkpoint(whole).name == "step-000004.safetensors"


def test_a_resumed_run_is_the_uninterrupted_one(whole: Path, prepared: Path, tiny: Recipe, tmp_path: Path):
    newest = (whole / "step-000002.safetensors").read_bytes()
    (tmp_path / "step-000002.safetensors").write_bytes(newest)
    resumed = trainer(tiny, prepared, tmp_path)
    resumed.run()
    assert losses(tmp_path) == losses(whole)[2:]
    assert (tmp_path / "step-000004.safetensors").read_bytes() == (whole / "step-000004.safetensors").read_bytes()


def test_two_processes_reach_the_loss_of_one(whole: Path, prepared: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    command += ["--standalone", str(Path(__file__).parent / "parallel_run.py"), str(prepared), str(tmp_path)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert losses(tmp_path) == pytest.approx(losses(whole), rel=2e-5)
    alone, together = (weights(folder) for folder in (whole, tmp_path))
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, atol=2e-5, rtol=1e-3)


def test_a_run_ends_when_its_time_is_up(prepared: Path, tiny: Recipe, tmp_path: Path) -> None:
    trainer(tiny, prepared, tmp_path).run(minutes=1e-9, workers=1)
    lines = logged(tmp_path)
    assert [line["step"] for line in lines] == [1, 1]
    assert "held_out" in lines[-1]
    assert newest_checkpoint(tmp_path).name == "step-000001.safetensors"


def recipe_file(path: Path, tiny: Recipe, more: str = "") -> Path:
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in tiny.network.items())
    path.write_text(f"[targets]\ntexels = 32\n[network]\n{table}\n{more}")
    return path


def test_a_network_without_the_prior_does_not_look_at_it(whole: Path, tiny: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    export(whole, out, recipe_file(tmp_path / "blind.toml", tiny, "[inputs]\nbody_prior = false\n"))
    weight = load_network(out).uv.stem.weight
    assert (weight[:, BODY_PRIOR] == 0).all()
    assert (weight[:, : BODY_PRIOR.start] != 0).all()


def test_the_average_is_exported(whole: Path, tiny: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    provenance = export(whole, out, recipe_file(tmp_path / "tiny.toml", tiny))
    assert provenance["steps"] == "4"
    assert provenance["samples"] == "8"
    assert "unseen_psnr" in provenance["held_out"]
    assert read_header(out).provenance == provenance
    network = load_network(out)
    average = load_network(out)
    load_checkpoint(newest_checkpoint(whole), average, network)
    for name, value in load_network(out).state_dict().items():
        torch.testing.assert_close(value, network.state_dict()[name].half().float(), atol=0, rtol=0)


def test_what_cannot_work_is_said(prepared: Path, tiny: Recipe, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no train shards"):
        trainer(tiny, tmp_path, tmp_path)
    (tmp_path / "step-000001.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BadInputError, match="does not fit"):
        trainer(tiny, prepared, tmp_path)
    with pytest.raises(BadInputError, match="no checkpoint"):
        export(tmp_path / "nowhere", tmp_path / "x", tmp_path / "r")
