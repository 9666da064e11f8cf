"""Every engine against the plain model in torch."""

from collections.abc import Callable

import pytest
import torch

from inperson.errors import BadInputError
from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime import onnx_export
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.engine import in_order

MakeInputs = Callable[..., NetworkInputs]
CPU = torch.device("cpu")
ENGINES = ("torch-fp32", "torch-bf16", "onnxruntime-cpu", "openvino-f32", "openvino-bf16")
PACKAGES = {"onnxruntime": "onnxruntime", "openvino": "openvino"}


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest) -> str:
    package = request.param.partition("-")[0]
    if package != "torch":
        pytest.importorskip(package)
        pytest.importorskip("onnx")
    return request.param


def test_an_engine_does_as_the_model_does(network: LiveShader, make_inputs: MakeInputs, name: str):
    engine = candidates(network, CPU, threads=1)[name]()
    assert engine.name == name
    assert engine.hidden_channels == 32
    rounded = name.endswith("bf16")
    for given in (make_inputs(1), make_inputs(2, height=64, width=96), make_inputs(2), make_inputs(1, 96, 64)):
        with torch.no_grad():
            expected = network(*in_order(given))
        result = engine.step(given)
        for part, wanted in zip(result, expected, strict=True):
            assert part.dtype == torch.float32
            assert part.shape == wanted.shape
            error = (part - wanted).abs()
            assert error.max() < (0.1 if rounded else 1e-4)
            assert error.mean() < (4e-3 if rounded else 1e-5)
        output = result[0]
        assert output.min() >= 0.0
        assert (output[:, :3] <= output[:, 3:]).all()
        assert output.max() <= 1.0


def test_pictures_pass_an_untrained_engine_without_rounding(
    untrained: LiveShader, make_inputs: MakeInputs, name: str
):
    given = make_inputs(2)
    output, _ = candidates(untrained, CPU, threads=1)[name]().step(given)
    torch.testing.assert_close(output, given.color, rtol=0, atol=1e-6)


def test_an_engine_keeps_its_own_weights_and_gives_its_results_away(
    network: LiveShader, make_inputs: MakeInputs, name: str
):
    given = make_inputs(1)
    engine = candidates(network, CPU, threads=1)[name]()
    output, hidden = engine.step(given)
    copies = output.clone(), hidden.clone()
    with torch.no_grad():
        network.head.added.bias.fill_(1.0)  # type: ignore[operator]
    again, _ = engine.step(given)
    engine.step(make_inputs(1, 64, 96))
    assert torch.equal(output, copies[0])
    assert torch.equal(hidden, copies[1])
    torch.testing.assert_close(again, copies[0], rtol=0, atol=1e-6)


def test_without_the_exporter_only_torch_is_left(network: LiveShader, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    assert set(candidates(network, CPU, threads=1)) == {"torch-fp32", "torch-bf16"}
    with pytest.raises(BadInputError, match="without onnx"):
        onnx_export.export_onnx(network, 1, 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_engines_on_a_gpu_do_as_the_model_does(network: LiveShader, make_inputs: MakeInputs):
    cuda = torch.device("cuda")
    for name, make in candidates(network, cuda, threads=1).items():
        engine = make()
        for given in (make_inputs(1), make_inputs(2, 64, 96), make_inputs(1)):
            with torch.no_grad():
                expected = network(*in_order(given))
            result = engine.step(NetworkInputs(*(x.cuda() for x in in_order(given))))
            for part, wanted in zip(result, expected, strict=True):
                assert part.is_cuda
                error = (part.cpu() - wanted).abs()
                assert error.max() < (0.1 if name.endswith("bf16") else 5e-3)
