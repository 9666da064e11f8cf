"""Draws what imgui laid out, with moderngl, on whatever framebuffer is bound."""

import ctypes
from typing import Any

import moderngl
import numpy as np
from imgui_bundle import imgui

_VERTEX = """
#version 330
uniform vec2 size;
in vec2 position;
in vec2 uv;
in vec4 color;
out vec2 frag_uv;
out vec4 frag_color;
void main() {
    frag_uv = uv;
    frag_color = color;
    gl_Position = vec4(2.0 * position.x / size.x - 1.0, 1.0 - 2.0 * position.y / size.y, 0.0, 1.0);
}
"""
_FRAGMENT = """
#version 330
uniform sampler2D atlas;
in vec2 frag_uv;
in vec4 frag_color;
out vec4 out_color;
void main() { out_color = frag_color * texture(atlas, frag_uv); }
"""

_INDEX_TYPES = {2: np.uint16, 4: np.uint32}


class ImguiRenderer:
    """The textures and the draw lists of the current imgui context.

    Args:
        context: of OpenGL, current in the calling thread; stays the caller's.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._program = context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._textures: dict[int, moderngl.Texture] = {}
        imgui.get_io().backend_flags |= imgui.BackendFlags_.renderer_has_textures

    def add_texture(self, texture: moderngl.Texture) -> imgui.ImTextureRef:
        """Make a texture of the caller's usable in imgui's image calls."""
        self._textures[texture.glo] = texture
        return imgui.ImTextureRef(texture.glo)

    def render(self, draw_data: imgui.ImDrawData, width: int, height: int) -> None:
        """Draw over the bound framebuffer of width x height pixels, whose scissor is left off."""
        self._update_atlases()
        context = self._context
        context.enable_only(moderngl.BLEND)
        context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        self._program["size"] = width, height
        for commands in draw_data.cmd_lists:
            self._draw(commands, height)
        context.scissor = None
        context.disable(moderngl.BLEND)

    def release(self) -> None:
        """Free imgui's own textures."""
        for atlas in imgui.get_platform_io().textures:
            texture = self._textures.pop(atlas.get_tex_id(), None)
            if texture is not None:
                texture.release()
            atlas.set_tex_id(0)
            atlas.status = imgui.ImTextureStatus.destroyed

    def _draw(self, commands: imgui.ImDrawList, height: int) -> None:
        context = self._context
        vertices = context.buffer(_bytes_at(commands.vtx_buffer, imgui.VERTEX_SIZE))
        indices = context.buffer(_bytes_at(commands.idx_buffer, imgui.INDEX_SIZE))
        layout = (vertices, "2f 2f 4f1", "position", "uv", "color")
        triangles = context.vertex_array(self._program, [layout], indices, index_element_size=imgui.INDEX_SIZE)
        for command in commands.cmd_buffer:
            left, top, right, bottom = (int(edge) for edge in command.clip_rect)
            context.scissor = left, height - bottom, max(right - left, 0), max(bottom - top, 0)
            self._textures[command.tex_ref.get_tex_id()].use(0)
            triangles.render(moderngl.TRIANGLES, vertices=command.elem_count, first=command.idx_offset)
        for resource in (triangles, vertices, indices):
            resource.release()

    def _update_atlases(self) -> None:
        """Make, renew or free the textures imgui asks for (its font atlas grows as letters are first used)."""
        for atlas in imgui.get_platform_io().textures:
            if atlas.status == imgui.ImTextureStatus.ok:
                continue
            old = self._textures.pop(atlas.get_tex_id(), None)
            if old is not None:
                old.release()
            if atlas.status == imgui.ImTextureStatus.want_destroy:
                atlas.set_tex_id(0)
                atlas.status = imgui.ImTextureStatus.destroyed
                continue
            pixels = np.ascontiguousarray(atlas.get_pixels_array())
            texture = self._context.texture((atlas.width, atlas.height), atlas.bytes_per_pixel, pixels)
            self._textures[texture.glo] = texture
            atlas.set_tex_id(texture.glo)
            atlas.status = imgui.ImTextureStatus.ok


def _bytes_at(vector: Any, item_size: int) -> bytes:
    return ctypes.string_at(vector.data_address(), vector.size() * item_size)
