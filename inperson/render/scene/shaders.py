"""The GLSL 3.30 of the painter: rays cast at a floor, a sky and an upright mirror, with nothing stored.

`ray` runs from the eye through a pixel, in play space, and is 1 long along the view axis: the t at which it hits
something is the distance along the view axis. For a plane s = 1 / t is linear on the picture, and window depth is
linear in s, so planes need not write depth. At the horizon s is 0. Colours are sRGB-encoded, premultiplied.

What a mirror shows is what a ray that goes straight on would meet in a room with front and back exchanged.
"""

from inperson.render.scene import look
from inperson.render.scene.scenes import MIRROR, SceneName

VERTEX = """#version 330
uniform mat3 ray_from_clip;    // of (x, y, 1)
uniform vec3 s_of_ray;         // of the plane that is drawn; 0 for what is infinitely far away
uniform vec2 depth_of_s;       // window depth is x + y s
in vec2 corner;
out vec3 ray;
out float s;
void main() {
    ray = ray_from_clip * vec3(corner, 1.0);
    s = dot(s_of_ray, ray);
    gl_Position = vec4(corner, 2.0 * (depth_of_s.x + depth_of_s.y * s) - 1.0, 1.0);
}
"""
"""Triangles in clip space, with the ray through each corner. The near and the far plane must not clip them."""

HIDDEN_VERTEX = """#version 330
uniform vec4 placement;        // scale and offset that take a corner to clip space
in vec2 corner;
void main() { gl_Position = vec4(corner * placement.xy + placement.zw, -1.0, 1.0); }
"""
HIDDEN_FRAGMENT = """#version 330
out vec4 color;
void main() { color = vec4(0.0); }
"""

_MIRROR = f"""
const float PLANE_Z = {MIRROR.plane_z};
const vec2 GLASS = vec2({MIRROR.width / 2}, {MIRROR.height / 2});   // half its size
const vec2 FRAME = GLASS + {MIRROR.frame};
const float GLASS_Y = {MIRROR.frame + MIRROR.height / 2};           // the height of its middle
const vec3 TINT = vec3{look.GLASS_TINT};
"""

_HEADER = f"""#version 330
{_MIRROR}
uniform vec3 eye;
in vec3 ray;
in float s;
layout(location = 0) out vec4 color;

// How much of this pixel a box of half this size around the glass's middle covers, seen from before the mirror.
float coverage(vec2 half_size) {{
    vec2 point = eye.xy + ray.xy * ((PLANE_Z - eye.z) / ray.z) - vec2(0.0, GLASS_Y);
    vec2 pixel = clamp(fwidth(point), 1e-5, 0.25);   // without bound where the ray runs along the plane
    vec2 covered = clamp((half_size - abs(point)) / pixel + 0.5, 0.0, 1.0);
    return (PLANE_Z - eye.z) * ray.z > 0.0 ? covered.x * covered.y : 0.0;
}}
"""

_HAZE = f"""
const vec3 HAZE_AHEAD = vec3{look.HAZE_AHEAD}, HAZE_BEHIND = vec3{look.HAZE_BEHIND};

// `z_sign`: -1 where the ray comes from a mirror.
vec3 haze(float z_sign, float shorten) {{
    return mix(HAZE_BEHIND, HAZE_AHEAD, 0.5 - 0.5 * z_sign * ray.z * shorten);
}}
"""

_SKY = (
    _HAZE
    + f"""
const vec3 ZENITH = vec3{look.ZENITH};

vec3 sky(float z_sign) {{
    float shorten = inversesqrt(dot(ray, ray));
    float up = ray.y * shorten;
    return mix(haze(z_sign, shorten), ZENITH, up * (2.0 - up));
}}
"""
)

_SHADOW = f"""
uniform vec3 shadow;           // x and z of its middle, 1 / its radius

float shade(vec2 place) {{
    vec2 away = (place - shadow.xy) * shadow.z;
    float k = max(1.0 - dot(away, away), 0.0);
    return {look.SHADOW} * k * k;
}}
"""

_FLOOR = (
    _HAZE
    + _SHADOW
    + f"""
const vec3 FLOOR = vec3{look.FLOOR}, JOINT = vec3{look.JOINT};
const float TILE = {look.TILE}, JOINT_PART = {look.JOINT_WIDTH / look.TILE};
const float HAZE_DISTANCE = {look.HAZE_DISTANCE};
const float LEAST_S = 1e-3;                    // no farther than 1000 m

// How much joint there is between the places a and b, along both axes: an exact mean, so that lines never shimmer.
vec2 joints(vec2 a, vec2 b) {{
    vec2 up_to_a = floor(a) * JOINT_PART + min(fract(a), JOINT_PART);
    vec2 up_to_b = floor(b) * JOINT_PART + min(fract(b), JOINT_PART);
    return clamp((up_to_b - up_to_a) / (b - a), 0.0, 1.0);
}}

vec3 ground(float z_sign) {{
    vec2 out_there = ray.xz / max(s, LEAST_S), place = eye.xz + out_there;
    vec2 half_pixel = 0.5 * fwidth(place) + 1e-4;
    place.y = z_sign < 0.0 ? 2.0 * PLANE_Z - place.y : place.y;
    vec2 lines = joints((place - half_pixel) / TILE, (place + half_pixel) / TILE);
    vec3 tiles = mix(FLOOR, JOINT, max(lines.x, lines.y)) * (1.0 - shade(place));
    float far = dot(out_there, out_there) / (HAZE_DISTANCE * HAZE_DISTANCE);
    return mix(tiles, haze(z_sign, inversesqrt(dot(ray, ray))), far / (1.0 + far));
}}
"""
)

_IN_GLASS = """
void main() {
    float glass = coverage(GLASS);
    if (glass == 0.0) discard;
    color = vec4(TINT * %s(-1.0), 1.0) * glass;
}
"""

SKY = _HEADER + _SKY + "void main() { color = vec4(sky(1.0), 1.0); }"
FLOOR = _HEADER + _FLOOR + "void main() { color = vec4(ground(1.0), 1.0); }"
SKY_IN_GLASS = _HEADER + _SKY + _IN_GLASS % "sky"
FLOOR_IN_GLASS = _HEADER + _FLOOR + _IN_GLASS % "ground"
SHADOW_ALONE = (
    _HEADER + _SHADOW + "void main() { color = vec4(0.0, 0.0, 0.0, shade(eye.xz + ray.xz / max(s, 1e-3))); }"
)
"""What passthrough keeps of the floor."""
FRAME = (
    _HEADER
    + f"""
void main() {{
    float frame = coverage(FRAME);
    if (frame == 0.0) discard;
    color = vec4({", ".join(map(str, look.WOOD))}, 1.0) * frame;
}}
"""
)
"""The board of which the glass covers all but the rim."""

_AVATAR = """
uniform sampler2D colors;
uniform sampler2D depths;      // red: distance times alpha
uniform ivec2 first_texel;     // that lies under gl_FragCoord's row 0
uniform vec2 depth_of_s;
uniform float least_s;         // 1 / far

void main() {
    ivec2 texel = first_texel + ivec2(gl_FragCoord.xy) * ivec2(1, -1);
    color = texelFetch(colors, texel, 0);
    float s_avatar = color.a / max(texelFetch(depths, texel, 0).r, 1e-6);
    MIRRORED
    if (color.a == 0.0) discard;
    gl_FragDepth = clamp(depth_of_s.x + depth_of_s.y * mix(max(s, least_s), s_avatar, color.a), 0.0, 1.0);
}
"""


def avatar_shader(scene: SceneName) -> str:
    """The avatar's picture, to be blended over the room; `s` is that of the floor, negative above the horizon."""
    mirrored = "color *= vec4(TINT, 1.0) * coverage(GLASS);" if scene == "mirror" else ""
    return _HEADER + _AVATAR.replace("MIRRORED", mirrored)
