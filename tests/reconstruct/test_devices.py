"""Polishing and fitting off the CPU: the same as on it, and nothing is fetched from a device but where it says so."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inperson.errors import BadInputError, DeviceError
from inperson.reconstruct import device as devices
from inperson.reconstruct.canonical import CPU, CanonicalGaussians
from inperson.reconstruct.device import choose_device, device_text
from inperson.reconstruct.polish import polish
from tests.reconstruct.far_device import FAR, FarTensor, far_device
from tests.reconstruct.test_polish import SETTINGS, body, start, state, target, truth

__all__ = ["body", "start", "state", "target", "truth"]
SHORT = replace(SETTINGS, steps=16, split_at=(0.5,))


@pytest.fixture
def confidence(start: CanonicalGaussians) -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 1, len(start)).astype(np.float32)


def same_but_for_rounding(a: CanonicalGaussians, b: CanonicalGaussians, coarser: float = 1.0) -> None:
    """Adam makes a whole step of the smallest gradient, so a few Gaussians may go their own way."""
    assert len(a) == len(b)
    np.testing.assert_array_equal(a.face_index, b.face_index)
    for name, parameter in a.learned().items():
        apart = (parameter - b.learned()[name]).detach().abs()
        assert apart.mean() < 2e-4 * coarser, name
        assert (apart > 1e-3 * coarser).float().mean() < 0.02, name


def test_a_far_device_is_as_strict_as_cuda(monkeypatch):
    with far_device(monkeypatch):
        there = torch.arange(4.0).to(FAR).requires_grad_(True)
        (2 * there).sum().backward()
        assert there.grad.cpu().tolist() == [2.0] * 4
        with pytest.raises(RuntimeError, match="numpy"):
            there.detach().numpy()
        with pytest.raises(RuntimeError, match="numpy"):
            np.asarray(there.detach())
        for mixed in (lambda: there + torch.ones(4), lambda: there[torch.tensor([0, 1])]):
            with pytest.raises(RuntimeError, match="same device"):
                mixed()


def test_polishing_off_the_cpu_is_polishing(monkeypatch, start, confidence, body, state, target):
    on_cpu = polish(start, confidence, body, state, target, SHORT)
    with far_device(monkeypatch) as operators:
        there = start.to(FAR)
        assert all(isinstance(p, FarTensor) and p.is_leaf for p in there.learned().values())
        polished = polish(there, confidence, body, state, target, SHORT)
        assert all(p.device == FAR for p in polished.learned().values())
        back = polished.to(CPU)
    assert len(back) > len(start), "some were split"
    same_but_for_rounding(on_cpu, back)
    assert {"aten.convolution.default", "aten.linalg_cross.default", "aten.sqrt.default"} <= operators


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_polishing_on_cuda_is_polishing(start, confidence, body, state, target):
    whole = replace(SHORT, split_at=())  # which of equals are split is decided by rounding
    on_cpu = polish(start, confidence, body, state, target, whole)
    polished = polish(start.to(choose_device("cuda")), confidence, body, state, target, whole)
    assert polished.device.type == "cuda"
    same_but_for_rounding(on_cpu, polished.to(CPU), coarser=10.0)  # gsplat is another rasteriser


def test_moving_there_and_back_changes_nothing(monkeypatch, start):
    assert start.to(CPU) is start
    with far_device(monkeypatch):
        back = start.to(FAR).to(CPU)
    for name in ("base_offsets", "spacing", "features", *start.learned()):
        assert torch.equal(getattr(back, name), getattr(start, name))
    assert all(p.is_leaf and p.requires_grad for p in back.learned().values())


def raising(error):
    def check():
        raise error

    return check


NO_CUDA = DeviceError("there is no CUDA device", "x")
NO_GSPLAT = BadInputError("the gsplat package cannot be imported", "x")


@pytest.mark.parametrize("error", [NO_CUDA, NO_GSPLAT])
def test_auto_takes_the_cpu_where_cuda_does_not_work(monkeypatch, error):
    monkeypatch.setattr(devices, "check_gsplat", raising(error))
    assert choose_device("auto") == CPU
    assert device_text(CPU) == "the CPU"
    with pytest.raises(DeviceError, match=f"--device cuda: {error.what}: say --device cpu"):
        choose_device("cuda")


def test_auto_takes_cuda_where_it_works_and_cpu_means_cpu(monkeypatch):
    monkeypatch.setattr(devices, "check_gsplat", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 1)
    assert device_text(choose_device("auto")) == "GPU 1 (CUDA)"
    assert choose_device("cpu") == CPU
