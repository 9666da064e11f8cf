"""No engine of the shader opens a socket, from exporting to choosing. Enforced by the kernel."""

import textwrap

from tests.no_sockets import needs_the_filter, run_without_sockets

pytestmark = needs_the_filter

MEASURE_ALL = textwrap.dedent(
    """
    import time
    import torch
    from inperson.shader_model.network.config import ShaderConfig
    from inperson.shader_model.network.model import LiveShader
    from inperson.shader_model.runtime.candidates import candidates
    from inperson.shader_model.runtime.choices import Shape
    from inperson.shader_model.runtime.choose import measure
    from inperson.shader_model.runtime.example import example_inputs

    model = LiveShader(ShaderConfig(widths=(16, 16, 32), blocks=(1, 1, 1), trunk=1))
    makers = candidates(model, torch.device("cpu"), threads=1)
    shape = Shape(people=1, eyes=2, height=64, width=64)
    print("measured", *sorted(measure(makers, example_inputs(model, shape, torch.device("cpu")))))
    time.sleep(10)  # onnxruntime reports some seconds after a session was made, if it may
    """
)


def test_no_engine_opens_a_socket():
    done = run_without_sockets(MEASURE_ALL)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "measured onnxruntime-cpu openvino-bf16 openvino-f32 torch-bf16 torch-fp32" in done.stdout
