"""The engines that this machine could run."""

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.calibration import Calibration, shipped_calibration
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.int8 import check_rounding, rounded
from inperson.shader_model.runtime.torch_engine import TorchEngine

if TYPE_CHECKING:
    from inperson.shader_model.runtime.openvino_engine import Precision

EngineMaker = Callable[[], Engine]


def candidates(model: LiveShader, device: torch.device, threads: int) -> dict[str, EngineMaker]:
    """By name, engines for a device: those whose packages are installed. None is made before it is asked for.

    `openvino-int8` is among them for weights that have a calibration; made on a processor whose integers do not do
    what the calibration means, it raises a DeviceError.

    Args:
        threads: of onnxruntime and OpenVINO on a CPU; torch has its own setting.

    Raises:
        BadInputError: the calibration that comes with the program is damaged.
    """
    makers: dict[str, EngineMaker] = {
        "torch-fp32": lambda: TorchEngine(model, torch.float32, device),
        "torch-bf16": lambda: TorchEngine(model, torch.bfloat16, device),
    }
    if _installed("onnx", "onnxruntime"):
        makers |= _onnx_makers(model, device, threads)
    if _installed("onnx", "openvino") and device.type == "cpu":
        makers |= _openvino_makers(model, threads)
    return makers


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)


def _onnx_makers(model: LiveShader, device: torch.device, threads: int) -> dict[str, EngineMaker]:
    from inperson.shader_model.runtime import onnx_engine

    def maker(name: str) -> EngineMaker:
        return lambda: onnx_engine.OnnxEngine(model, name, threads)

    return {name: maker(name) for name in onnx_engine.names_for(device)}


def _openvino_makers(model: LiveShader, threads: int) -> dict[str, EngineMaker]:
    def maker(precision: "Precision") -> EngineMaker:
        def make() -> Engine:
            from inperson.shader_model.runtime.openvino_engine import OpenVinoEngine

            return OpenVinoEngine(model, precision, threads)

        return make

    makers: dict[str, EngineMaker] = {"openvino-f32": maker("f32"), "openvino-bf16": maker("bf16")}
    calibration = shipped_calibration(model)
    if calibration is not None:
        makers["openvino-int8"] = lambda: _in_integers(model, calibration, threads)
    return makers


def _in_integers(model: LiveShader, calibration: Calibration, threads: int) -> Engine:
    from inperson.shader_model.runtime.openvino_engine import OpenVinoEngine

    simulated = rounded(model, calibration.ranges)
    engine = OpenVinoEngine(simulated, "int8", threads)
    check_rounding(engine, simulated)
    return engine
