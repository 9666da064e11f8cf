"""The shader's benchmarks run where there is no GPU, at a tiny size: that they count what they say."""

import pytest
import torch

from benchmarks import bench_shader_cuda, bench_shader_room
from benchmarks.bench_conditions import talking_view
from benchmarks.bus import Bus
from benchmarks.shaded_frames import STAGES, ShadedFrames
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.torch_engine import TorchEngine
from tests.reconstruct.far_device import FAR, far_device
from tests.shader_model.conditions.elsewhere import elsewhere, rasterizer_here

TINY = {"small": ShaderConfig(widths=(16, 16, 32), blocks=(0, 0, 0), trunk=0)}


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """One size, and plain torch alone."""
    for bench in (bench_shader_cuda, bench_shader_room):
        monkeypatch.setattr(bench, "SIZES", TINY)
        monkeypatch.setattr(
            bench,
            "candidates",
            lambda model, device, threads: {"torch-fp32": lambda: TorchEngine(model, torch.float32, device)},
        )


def test_whole_frames_are_timed_by_stages_and_on_the_cpu_cross_no_bus() -> None:
    report = bench_shader_cuda.measured(rasterizer_here(), ((50, 40),), calls=2, side=64)
    frame, ratios = "small_50x40_frame", report["ratios"]
    assert [case["name"] for case in report["cases"]] == [
        "small_torch-fp32_50x40_both",
        frame,
        *(f"{frame}_{stage}" for stage in STAGES),
    ]
    assert all(case["median_ms"] > 0 for case in report["cases"])
    assert sum(ratios[f"{frame}_{stage}_share"] for stage in STAGES) == pytest.approx(1.0)
    assert ratios[f"{frame}_p99_ms"] > 0
    assert ratios[f"{frame}_sent_bytes"] == ratios[f"{frame}_fetched_bytes"] == 0


def test_whole_frames_elsewhere_send_the_gaussians_and_fetch_nothing() -> None:
    with elsewhere() as there:
        engine = TorchEngine(LiveShader(TINY["small"]), torch.float32, FAR)
        frames = ShadedFrames(there, engine, (talking_view(-0.03, 64, 64), talking_view(0.03, 64, 64)))
        times = frames.times(2)
        frames.close()
    assert {stage: len(seconds) for stage, seconds in times.stages.items()} == dict.fromkeys(STAGES, 2)
    assert times.fetched == 0
    assert 52 * 58000 < times.sent < 52 * 58000 + 1000


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_says_so() -> None:
    report = bench_shader_cuda.run()
    assert report["bench"] == "shader_cuda (no CUDA GPU here)"
    assert report["cases"] == []


def test_a_room_is_compared_with_its_people() -> None:
    report = bench_shader_room.measured(64, threads=1, seconds=0.0)
    assert report["bench"] == "shader_room (torch-fp32)"
    assert set(report["ratios"]) == {
        f"{n}{eyes}_together_vs_{n}{eyes}_apart" for n in (2, 4) for eyes in ("", "_both_eyes")
    }


def test_the_bus_counts_both_ways_and_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with far_device(monkeypatch):
        with Bus() as bus:
            there = torch.zeros(3, 5).to(FAR)
            more = there + 1.0
        assert (bus.sent, bus.fetched, bus.waits) == (60, 0, [])
        with Bus() as bus:
            assert more.sum().item() == 15.0
            here = more[0].cpu()
            more[more > 0]
        assert bus.sent == 0
        assert bus.fetched >= 20
        assert [name.split(".")[1] for name in bus.waits] == ["_local_scalar_dense", "_to_copy", "index"]
        assert here.device.type == "cpu"
