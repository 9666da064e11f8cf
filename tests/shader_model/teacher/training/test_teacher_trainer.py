"""Training: the same on one process and two, after a restart, and better than the render it began with."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import nn

from inperson.errors import BadInputError
from inperson.reconstruct.training.checkpoint import newest_checkpoint
from inperson.reconstruct.training.recipe import OptimiserRecipe
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.weights import load_shader, save_shader
from inperson.shader_model.teacher.model import Teacher
from inperson.shader_model.teacher.training.batches import FlowBatch
from inperson.shader_model.teacher.training.export import export
from inperson.shader_model.teacher.training.recipe import Recipe, StageRecipe, StagesRecipe
from inperson.shader_model.teacher.training.trainer import TeacherTrainer, network_config
from inperson.shader_model.teacher.weights import load_teacher, read_teacher_header, save_teacher
from inperson.shader_model.training.groups import GroupMaker
from inperson.shader_model.training.recipe import Recipe as LiveRecipe
from inperson.shader_model.training.recipe import RollOutRecipe
from inperson.shader_model.training.roll_out import RollOut
from inperson.shader_model.training.validation import validate
from inperson.shader_model.training.window_loss import WindowLoss
from tests.training_runs import logged, losses, weights

ROOT = Path(__file__).parents[4]


def trainer(recipe: Recipe, data: Path, folder: Path, start: Path | None = None) -> TeacherTrainer:
    return TeacherTrainer(recipe, data, folder, start, accelerator=Accelerator(cpu=True))


@pytest.fixture
def live(tiny_config: ShaderConfig, tmp_path: Path) -> Path:
    """A live model that changes pictures."""
    torch.manual_seed(4)
    model = LiveShader(tiny_config)
    for parameter in model.head.parameters():
        nn.init.normal_(parameter, std=0.1)
    save_shader(model, tmp_path / "live.safetensors", {})
    return tmp_path / "live.safetensors"


@pytest.fixture(scope="module")
def whole(shards: Path, tiny: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run through all stages."""
    folder = tmp_path_factory.mktemp("whole")
    trainer(tiny, shards, folder).run()
    return folder


def test_a_run_is_logged_and_scored(whole: Path) -> None:
    lines = logged(whole)
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4]
    assert all(line["loss"] == line["velocity"] > 0 and line["gradient_network"] > 0 for line in steps)
    scores = lines[-1]["held_out"]
    of_pictures = {f"{p}{s}" for p in ("", "plain_") for s in ("psnr", "perceptual", "sharpness", "warping")}
    assert set(scores) == of_pictures | {f"velocity_{t}" for t in (10, 30, 50, 70, 90)}


def test_a_resumed_run_is_the_uninterrupted_one(whole: Path, shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    (tmp_path / "step-000002.safetensors").write_bytes((whole / "step-000002.safetensors").read_bytes())
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
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, atol=2e-5, rtol=1e-3)


def test_stages_follow_one_another(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    run = trainer(tiny, shards, tmp_path)
    samples = list(islice(run.stream.from_sample(0), 16))

    def shape(batch: list[FlowBatch]) -> tuple[int, int]:
        """Windows of all numbers of eyes, and their frames."""
        return sum(part.group.windows for part in batch), len(batch[0].group.moments)

    assert [shape(run.batch(samples[n : n + 4])) for n in (0, 4, 8, 12)] == [(8, 1), (8, 1), (4, 2), (4, 3)]


def test_stages_fit_into_limited_time(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    run = trainer(tiny, shards, tmp_path)
    run.run(minutes=1e-9)
    assert run.position.step == 1
    (first, *_) = run.batch(list(islice(run.stream.from_sample(0), 4)))
    assert len(first.group.moments) == 3  # the time is up: the last stage


def test_predictions_may_be_judged_as_pictures(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    run = trainer(replace(tiny, pictures=0.5), shards, tmp_path)
    single, long = (run.batch(list(islice(run.stream.from_sample(0), n, n + 4))) for n in (0, 12))
    for batch, frames in ((single, 1), (long, 3)):
        assert len(batch[0].group.moments) == frames
        parts = run.losses(batch, 0)
        live = [WindowLoss(run.recipe.loss, run.perceptual).of(b.group, b.group.render, None) for b in batch]
        own = sum(b.group.windows for b in batch)
        for name in live[0]:
            # untrained, the teacher predicts the render
            expected = 0.5 * torch.cat([of_group[name] for of_group in live]).sum() / own
            torch.testing.assert_close(parts[name], expected, atol=1e-5, rtol=1e-4)
        assert set(parts) == {"velocity", *live[0]}
        assert parts["color"] > 0
        assert (parts["temporal"] > 0) == (frames > 1)
    step = run.step(long)
    assert step["loss"] == pytest.approx(sum(step[name] for name in parts), rel=1e-5)


def test_a_teacher_may_begin_at_the_live_models_pictures(
    shards: Path, tiny: Recipe, tmp_path: Path, live: Path
) -> None:
    first = tmp_path / "first.safetensors"
    save_teacher(Teacher(network_config(tiny)), first, {})
    cascade = replace(tiny, network={**tiny.network, "begins_at": "live"}, live=str(live))
    run = trainer(cascade, shards, tmp_path / "run", first)
    held_out = list(islice(run.held_out.from_sample(0), 2))
    groups = (group for numbered in held_out for group in GroupMaker(LiveRecipe()).held_out([numbered]))
    of_live = validate(RollOut(load_shader(live), None, RollOutRecipe()), groups, run.perceptual)
    scores = run.scores(iter(held_out))
    for name in ("psnr", "perceptual", "sharpness"):
        # untrained it adds nothing to where it begins
        assert scores[name] == pytest.approx(scores[f"plain_{name}"], rel=1e-3)
        # what it begins at also has a say in where the person is: the scores are those of the live model but for that
        there, render = of_live[name], of_live[f"plain_{name}"]
        assert abs(scores[name] - there) < 0.2 * abs(render - there)
    assert run.step(run.batch(list(islice(run.stream.from_sample(0), 4))))["velocity"] > 0
    for wrong in (replace(cascade, live=""), replace(tiny, live=str(live))):
        with pytest.raises(BadInputError, match="exactly if the teacher begins there"):
            trainer(wrong, shards, tmp_path / "wrong")


def test_what_is_learned_is_better_than_the_render(shards: Path, tiny: Recipe, tmp_path: Path) -> None:
    longer = replace(
        tiny,
        stages=StagesRecipe(
            single=StageRecipe(share=0.8, frames=1, pieces=2), short=StageRecipe(), long=StageRecipe(share=0.2)
        ),
        optimiser=OptimiserRecipe(steps=40, batch=4, rate=6e-3, warm_up=5, average=0.9, validate_every=40),
        sample_steps=4,
    )
    trainer(longer, shards, tmp_path).run()
    each = losses(tmp_path)
    assert sum(each[-10:]) < 0.7 * sum(each[:10])
    scores = logged(tmp_path)[-1]["held_out"]
    assert scores["psnr"] > scores["plain_psnr"] + 5.0
    assert scores["perceptual"] < 0.5 * scores["plain_perceptual"]


def test_the_average_is_exported_and_may_be_gone_on_from(
    whole: Path, shards: Path, tiny: Recipe, tmp_path: Path
) -> None:
    out, recipe = tmp_path / "teacher.safetensors", tmp_path / "tiny.toml"
    recipe.write_text("[network]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in tiny.network.items()))
    provenance = export(whole, out, recipe)
    assert (provenance["steps"], provenance["samples"], provenance["recipe"]) == ("4", "16", "tiny")
    assert "velocity_50" in provenance["held_out"]
    assert read_teacher_header(out).provenance == provenance
    exported, stored = load_teacher(out).state_dict(), load_file(newest_checkpoint(whole))
    for name, value in exported.items():
        assert torch.equal(value, stored[f"average/{name}"].half().float())
    started = trainer(tiny, shards, tmp_path / "next", start=out)
    for name, value in started.average.state_dict().items():
        assert torch.equal(value, exported[name])
    assert all(parameter.requires_grad for parameter in started.learning.parameters())


def test_what_cannot_work_is_said(shards: Path, tiny: Recipe, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no train shards"):
        trainer(tiny, tmp_path, tmp_path)
    with pytest.raises(BadInputError, match="no checkpoint"):
        export(tmp_path / "nowhere", tmp_path / "x", tmp_path / "r")
    with pytest.raises(BadInputError, match="does not fit"):
        trainer(replace(tiny, network={**tiny.network, "expansion": 2}), shards, whole)
