"""The engines that this machine could run."""

import importlib.util
from collections.abc import Callable

import torch

from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import Engine
from inperson.shader_model.runtime.torch_engine import TorchEngine

EngineMaker = Callable[[], Engine]


def candidates(model: LiveShader, device: torch.device, threads: int) -> dict[str, EngineMaker]:
    """By name, engines for a device: those whose packages are installed. None is made before it is asked for.

    Args:
        threads: of onnxruntime and OpenVINO on a CPU; torch has its own setting.
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
    def maker(precision: str) -> EngineMaker:
        def make() -> Engine:
            from inperson.shader_model.runtime.openvino_engine import OpenVinoEngine

            return OpenVinoEngine(model, precision, threads)

        return make

    return {f"openvino-{precision}": maker(precision) for precision in ("f32", "bf16")}
