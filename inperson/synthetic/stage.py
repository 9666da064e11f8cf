"""The capture stage: draws posed people with moderngl (EGL, no window) and reads back colour and ground truth.

Order of a frame: `set_scene` uploads vertices and draws the shadow map once; `shoot` draws one view of them.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

import moderngl
import numpy as np
from jaxtyping import Float, UInt8

from inperson.conventions import invert_rigid
from inperson.render.views import EyeView, look_at
from inperson.synthetic.captures import Capture, Geometry
from inperson.synthetic.drawables import Drawable, Part, Texture
from inperson.synthetic.dressing import PosedPerson
from inperson.synthetic.gpu import (
    GL_SRGB8_ALPHA8,
    Targets,
    create_context,
    load_program,
    set_uniforms,
    vertex_layout,
)
from inperson.synthetic.lights import Light
from inperson.synthetic.textures import flat_rgba


@dataclass(frozen=True, slots=True)
class Finish:
    """How a kind of surface answers light (uniforms of color.frag)."""

    wrap: tuple[float, float, float]
    gloss: float
    gloss_exponent: float
    bounce: tuple[float, float, float] = (1.0, 1.0, 1.0)


FINISHES: dict[Part, Finish] = {
    Part.SKIN: Finish((0.30, 0.19, 0.15), 0.30, 18.0, (0.6, 0.85, 0.95)),
    Part.EYE: Finish((0.15, 0.13, 0.12), 1.6, 180.0, (0.45, 0.5, 0.5)),
    Part.MOUTH: Finish((0.15, 0.08, 0.08), 0.25, 40.0, (0.8, 1.0, 1.0)),
    Part.CLOTH: Finish((0.08, 0.08, 0.08), 0.05, 20.0),
    Part.HAIR: Finish((0.30, 0.30, 0.30), 0.20, 26.0, (0.8, 0.8, 0.8)),
    Part.BROW: Finish((0.30, 0.20, 0.15), 0.0, 1.0),
    Part.LASH: Finish((0.30, 0.20, 0.15), 0.0, 1.0),
}
_OVER: Any = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
"""Straight colour over premultiplied (moderngl's stub knows only the two-valued form)."""
_IN_FRONT = {Part.BROW: 4e-4, Part.LASH: 4e-4}
"""Clip-space nudge of what lies directly on the skin."""


@dataclass(slots=True, eq=False)
class _Mesh:
    """A drawable's buffers on the GPU."""

    vertices: moderngl.Buffer
    arrays: dict[str, moderngl.VertexArray]


class Stage:
    """One GL context with its programs and targets. Use it from the thread that made it, as a context manager.

    Args:
        shadow_size: shadow map's side, texels.
        shadow_radius: metres about the scene's middle that the shadow map covers.
    """

    def __init__(self, shadow_size: int = 1024, shadow_radius: float = 1.1) -> None:
        self.context = create_context()
        self._shadow_radius = shadow_radius
        self._programs = {
            name: load_program(self.context, "person.vert", f"{name}.frag")
            for name in ("color", "geometry", "shadow")
        }
        self._develop = load_program(self.context, "screen.vert", "develop.frag")
        corners = self.context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4"))
        self._screen = self.context.vertex_array(self._develop, [(corners, "2f", "in_corner")])
        self._shadow_map = self.context.depth_texture((shadow_size, shadow_size))
        self._shadow_map.compare_func = "<="
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow = self.context.framebuffer(depth_attachment=self._shadow_map)
        self._targets: dict[tuple[int, int, int], Targets] = {}
        self._meshes: WeakKeyDictionary[Drawable, _Mesh] = WeakKeyDictionary()
        self._textures: WeakKeyDictionary[Texture, moderngl.Texture] = WeakKeyDictionary()
        self._drawn: list[Drawable] = []
        self._person: PosedPerson | None = None
        self._depth_maps: dict[int, tuple[moderngl.Texture, moderngl.Framebuffer]] = {}

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the context and everything in it."""
        self.context.release()

    def set_scene(self, person: PosedPerson, light: Light) -> None:
        """Uploads a posed person and draws the key light's shadows."""
        with self.context:
            self.context.gc()
            self._upload(person, light)

    def _upload(self, person: PosedPerson, light: Light) -> None:
        self._person = person
        self._drawn = [p.drawable for p in person.drawables]
        for posed in person.drawables:
            self._mesh(posed.drawable).vertices.write(posed.interleaved())
        centre = person.pose.body.joints[[0, 15]].mean(axis=0)
        shadow_from_world = orthographic(centre, light.directions[0], self._shadow_radius)
        self._draw_depth(self._shadow, shadow_from_world)
        set_uniforms(
            self._programs["color"],
            shadow_from_world=shadow_from_world,
            shadow_texel=1.0 / self._shadow_map.size[0],
            light_direction=light.directions,
            light_color=light.colors,
            sky=tuple(light.sky),
            ground=tuple(light.ground),
            exposure=light.exposure,
            specular=light.specular,
        )

    def _draw_depth(self, target: moderngl.Framebuffer, clip_from_world: Float[np.ndarray, "4 4"]) -> None:
        """Depth of the scene's opaque parts and hair, as seen through any projection."""
        target.use()
        target.clear(depth=1.0)
        self.context.enable_only(moderngl.DEPTH_TEST)
        set_uniforms(self._programs["shadow"], clip_from_world=clip_from_world)
        for drawable in self._drawn:
            if drawable.part not in (Part.BROW, Part.LASH, Part.MOUTH):
                self._draw("shadow", drawable)

    def depth_map(self, clip_from_world: Float[np.ndarray, "4 4"], size: int) -> Float[np.ndarray, "size size"]:
        """Depth (0 near to 1 far) of the scene through any projection; rows from the bottom."""
        with self.context:
            if size not in self._depth_maps:
                texture = self.context.depth_texture((size, size))
                self._depth_maps[size] = texture, self.context.framebuffer(depth_attachment=texture)
            texture, target = self._depth_maps[size]
            self._draw_depth(target, clip_from_world)
            return np.frombuffer(texture.read(), np.float32).reshape(size, size)

    def shoot(
        self,
        view: EyeView,
        background: UInt8[np.ndarray, "H W 3"] | None = None,
        *,
        geometry: bool = True,
        supersample: int = 2,
    ) -> Capture:
        """Draws the scene.

        Args:
            background: sRGB-encoded picture of the view's size; None leaves colour over black.
            geometry: also draw depth, normals and part ids.
            supersample: draw colour at this many times the size and average; 1 leaves edges jagged.
        """
        if self._person is None:
            raise RuntimeError("set_scene first")
        clip_from_world = view.projection @ invert_rigid(view.T_world_from_eye)
        with self.context:
            targets = self._targets_of(view.width, view.height, supersample)
            rgba = self._draw_color(targets, view, clip_from_world, background)
            truth = self._draw_geometry(targets, view, clip_from_world) if geometry else None
        return Capture(np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].copy(), view, self._person.state, truth)

    def _draw_color(
        self,
        targets: Targets,
        view: EyeView,
        clip_from_world: Float[np.ndarray, "4 4"],
        background: UInt8[np.ndarray, "H W 3"] | None,
    ) -> UInt8[np.ndarray, "H W 4"]:
        gl, color = self.context, self._programs["color"]
        targets.color.use()
        targets.color.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        gl.enable_only(moderngl.DEPTH_TEST)
        eye = tuple(view.T_world_from_eye[:3, 3])
        set_uniforms(color, clip_from_world=clip_from_world, eye=eye, albedo_map=0, shadow_map=1)
        self._shadow_map.use(1)
        solid = [d for d in self._drawn if not d.part.is_strands]
        strands = sorted((d for d in self._drawn if d.part.is_strands), key=lambda d: d.part, reverse=True)
        for strand_pass, drawables in ((0, solid), (1, strands), (2, strands)):
            set_uniforms(color, strand_pass=strand_pass)
            if strand_pass == 2:
                gl.enable(moderngl.BLEND)
                gl.blend_func = _OVER
                targets.color.depth_mask = False
            for drawable in drawables:
                finish = FINISHES[drawable.part]
                set_uniforms(
                    color,
                    wrap=finish.wrap,
                    gloss=finish.gloss,
                    gloss_exponent=finish.gloss_exponent,
                    bounce=finish.bounce,
                )
                self._draw("color", drawable)
        targets.color.depth_mask = True
        gl.disable(moderngl.BLEND | moderngl.DEPTH_TEST)
        set_uniforms(
            self._develop,
            image=0,
            background=1,
            has_background=background is not None,
            factor=targets.supersample,
        )
        targets.linear.use(0)
        if background is not None:
            targets.background.write(np.ascontiguousarray(background[::-1]))
            targets.background.use(1)
        targets.developed.use()
        self._screen.render(moderngl.TRIANGLE_STRIP)
        pixels = np.frombuffer(targets.developed.read(components=4), np.uint8)
        return pixels.reshape(view.height, view.width, 4)[::-1]

    def _draw_geometry(self, targets: Targets, view: EyeView, clip_from_world: Float[np.ndarray, "4 4"]) -> Geometry:
        program = self._programs["geometry"]
        targets.geometry.use()
        targets.geometry.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self.context.enable_only(moderngl.DEPTH_TEST)
        eye, backwards = view.T_world_from_eye[:3, 3], view.T_world_from_eye[:3, 2]
        set_uniforms(program, clip_from_world=clip_from_world, eye=tuple(eye), view_axis=tuple(-backwards))
        for drawable in self._drawn:
            set_uniforms(program, part=float(drawable.part))
            self._draw("geometry", drawable)
        size = (view.height, view.width)
        depth_part = np.frombuffer(targets.geometry.read(components=2, attachment=0, dtype="f4"), np.float32)
        normal = np.frombuffer(targets.geometry.read(components=4, attachment=1, dtype="f2"), np.float16)
        depth_part = depth_part.reshape(*size, 2)[::-1]
        normal = normal.reshape(*size, 4)[::-1, :, :3].astype(np.float32)
        return Geometry(depth_part[..., 0].copy(), normal, depth_part[..., 1].astype(np.uint8))

    def _draw(self, program_name: str, drawable: Drawable) -> None:
        program = self._programs[program_name]
        self._texture(drawable.texture).use(0)
        set_uniforms(program, uses_alpha=drawable.part >= Part.CLOTH, bias=_IN_FRONT.get(drawable.part, 0.0))
        self._mesh(drawable).arrays[program_name].render()

    def _mesh(self, drawable: Drawable) -> _Mesh:
        if drawable not in self._meshes:
            vertices = self.context.buffer(reserve=len(drawable.mesh.vertex) * 36, dynamic=True)
            indices = self.context.buffer(drawable.mesh.triangles.astype("i4"))
            self._meshes[drawable] = _Mesh(
                vertices,
                {
                    name: self.context.vertex_array(program, [vertex_layout(program, vertices)], indices)
                    for name, program in self._programs.items()
                },
            )
        return self._meshes[drawable]

    def _texture(self, texture: Texture) -> moderngl.Texture:
        if texture not in self._textures:
            rgba = flat_rgba(texture)
            uploaded = self.context.texture(
                (rgba.shape[1], rgba.shape[0]), 4, rgba.tobytes(), internal_format=GL_SRGB8_ALPHA8
            )
            uploaded.build_mipmaps()
            uploaded.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            self._textures[texture] = uploaded
        return self._textures[texture]

    def _targets_of(self, width: int, height: int, supersample: int) -> Targets:
        key = (width, height, supersample)
        if key not in self._targets:
            self._targets[key] = Targets.make(self.context, width, height, supersample)
        return self._targets[key]


def orthographic(
    centre: Float[np.ndarray, "3"], towards: Float[np.ndarray, "3"], radius: float
) -> Float[np.ndarray, "4 4"]:
    """Clip space of a light that shines from direction `towards` on a ball about `centre`."""
    eye_from_world = invert_rigid(look_at(centre + 3.0 * towards, centre))
    return np.diag([1.0 / radius, 1.0 / radius, -1.0 / 3.0, 1.0]) @ _shifted(eye_from_world)


def _shifted(eye_from_world: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """Moves the middle of the depth range (3 m from the light) to zero."""
    out = eye_from_world.copy()
    out[2, 3] += 3.0
    return out
