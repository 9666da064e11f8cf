"""The stage's OpenGL ground floor: context, programs and their uniforms, framebuffers of one picture size."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from inperson.errors import DeviceError

_SHADERS = Path(__file__).parent / "shaders"
GL_SRGB8, GL_SRGB8_ALPHA8 = 0x8C41, 0x8C43
"""Textures that GL decodes to linear light."""
_VERTEX = ("3f 3f 2f 1f", "in_position", "in_normal", "in_uv", "in_occlusion")


def create_context() -> moderngl.Context:
    """A GL context without a window.

    Raises:
        DeviceError: EGL cannot start.
    """
    settings: dict[str, Any] = {"backend": "egl"}
    try:
        context = moderngl.create_context(standalone=True, **settings)
    except Exception as error:  # moderngl raises bare Exception when EGL cannot start
        raise DeviceError(f"no OpenGL ({error})", "install a GL driver or Mesa's llvmpipe (libegl1)") from error
    context.gc_mode = "context_gc"  # "auto" would delete in whichever context is current
    return context


def load_program(gl: moderngl.Context, vertex: str, fragment: str) -> moderngl.Program:
    """Compiles two files of `shaders/`."""
    return gl.program(
        vertex_shader=(_SHADERS / vertex).read_text(encoding="utf-8"),
        fragment_shader=(_SHADERS / fragment).read_text(encoding="utf-8"),
    )


def set_uniforms(program: moderngl.Program, **values: NDArray[np.floating] | tuple[float, ...] | float) -> None:
    """Sets uniforms by name; 4x4 arrays are matrices in our row-major order, other arrays are GLSL arrays."""
    for name, value in values.items():
        uniform = program[name]
        if not isinstance(uniform, moderngl.Uniform):
            raise TypeError(f"{name} is not a uniform")
        if isinstance(value, np.ndarray):
            transposed = value.T if value.shape == (4, 4) else value
            uniform.write(np.ascontiguousarray(transposed, "f4").tobytes())
        else:
            uniform.value = value


def vertex_layout(program: moderngl.Program, vertices: moderngl.Buffer) -> tuple[object, ...]:
    """The vertex format of `PosedDrawable.interleaved`, skipping what a program does not read."""
    formats, *names = _VERTEX
    parts = [f if name in program else f"{int(f[0]) * 4}x" for f, name in zip(formats.split(), names, strict=True)]
    return (vertices, " ".join(parts), *(name for name in names if name in program))


@dataclass(frozen=True, slots=True)
class Targets:
    """Framebuffers of one picture size. Colour is drawn `supersample` times as large and averaged when developed
    (on a software rasteriser that is faster than multisampling of as many samples, and smooths shading too)."""

    supersample: int
    color: moderngl.Framebuffer
    linear: moderngl.Texture
    background: moderngl.Texture
    developed: moderngl.Framebuffer
    geometry: moderngl.Framebuffer

    @staticmethod
    def make(gl: moderngl.Context, width: int, height: int, supersample: int) -> "Targets":
        """Allocates them."""
        size, drawn = (width, height), (width * supersample, height * supersample)
        linear = gl.texture(drawn, 4, dtype="f2")
        return Targets(
            supersample=supersample,
            color=gl.framebuffer([linear], gl.depth_renderbuffer(drawn)),
            linear=linear,
            background=gl.texture(size, 3, alignment=1, internal_format=GL_SRGB8),
            developed=gl.framebuffer([gl.texture(size, 4)]),
            geometry=gl.framebuffer(
                [gl.texture(size, 2, dtype="f4"), gl.texture(size, 4, dtype="f2")], gl.depth_renderbuffer(size)
            ),
        )
