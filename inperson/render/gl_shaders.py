"""The GLSL 3.30 of the `gl` backend: a vertex shader that projects, a fragment shader that fades."""

from inperson.render.reference import BLUR, CLAMP_MARGIN, MAX_ALPHA, MIN_ALPHA

CHANNELS_PER_TARGET = 3
"""A target's fourth component is alpha, by which blending fades what is behind."""
SHAPE_TEXELS = 3
"""Texels of a Gaussian before its channels: mean and opacity, quaternion, scales."""


def vertex_shader(targets: int, depth_channel: int) -> str:
    """One quad an instance, as large as the ellipse inside which opacity reaches 1/255.

    Args:
        targets: how many targets are drawn at once, 3 channels each.
        depth_channel: which of their channels is depth; -1 when it is none of them.
    """
    varyings = "\n".join(f"flat out vec3 channels{t};" for t in range(targets))
    reads = "\n    ".join(f"channels{t} = field(first_target + {SHAPE_TEXELS + t}).xyz;" for t in range(targets))
    target, component = divmod(depth_channel, CHANNELS_PER_TARGET)
    depth = f"channels{target}[{component}] = camera.z;" if depth_channel >= 0 else ""
    return f"""#version 330
uniform sampler2D fields;      // the texels of a Gaussian one after the other
uniform int texels;            // how many it has
uniform int first_target;
uniform mat4 camera_from_world;// OpenCV: y down, +z forward
uniform vec4 lens;             // fx fy cx cy, pixels
uniform vec2 size;             // pixels
uniform vec2 range;            // near and far, metres

in uint gaussian;              // one a quad, farthest first

flat out vec2 center;
flat out vec3 conic;
flat out float opacity;
{varyings}

vec4 field(int number) {{
    int width = textureSize(fields, 0).x, i = int(gaussian) * texels + number;
    return texelFetch(fields, ivec2(i % width, i / width), 0);
}}

mat3 rotation(vec4 wxyz) {{
    vec4 q = normalize(wxyz);
    float w = q.x, x = q.y, y = q.z, z = q.w;
    return mat3(  // by columns
        1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y),
        2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x),
        2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y));
}}

void main() {{
    vec4 mean = field(0);
    opacity = mean.w;
    vec3 camera = (camera_from_world * vec4(mean.xyz, 1)).xyz;
    float squared_reach = 2 * log(max(opacity / {MIN_ALPHA!r}, 1));
    gl_Position = vec4(2, 2, 2, 1);  // outside: not drawn
    if (camera.z <= range.x || camera.z >= range.y || squared_reach <= 0) return;

    vec2 tangent = camera.xy / camera.z;
    vec2 margin = {CLAMP_MARGIN!r} * size / lens.xy;
    vec2 inside = clamp(tangent, -lens.zw / lens.xy - margin, (size - lens.zw) / lens.xy + margin);
    mat3 half_covariance = mat3(camera_from_world) * rotation(field(1));
    vec3 scale = field(2).xyz;
    half_covariance = mat3(half_covariance[0] * scale.x, half_covariance[1] * scale.y, half_covariance[2] * scale.z);
    vec3 along_x = vec3(1, 0, -inside.x) * half_covariance * lens.x / camera.z;
    vec3 along_y = vec3(0, 1, -inside.y) * half_covariance * lens.y / camera.z;
    float xx = dot(along_x, along_x) + {BLUR!r}, xy = dot(along_x, along_y), yy = dot(along_y, along_y) + {BLUR!r};
    conic = vec3(yy, -xy, xx) / (xx * yy - xy * xy);
    center = lens.xy * tangent + lens.zw;
    {reads}
    {depth}

    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2 - 1;
    vec2 pixel = center + corner * sqrt(squared_reach * vec2(xx, yy));
    gl_Position = vec4(2 * pixel / size - 1, 0, 1);  // rows from the top: the image's first row is the target's
}}
"""


def fragment_shader(targets: int) -> str:
    """Premultiplied channels and alpha into each target."""
    inputs = "\n".join(f"flat in vec3 channels{t};" for t in range(targets))
    outputs = "\n".join(f"layout(location = {t}) out vec4 target{t};" for t in range(targets))
    writes = "\n    ".join(f"target{t} = vec4(channels{t}, 1) * alpha;" for t in range(targets))
    return f"""#version 330
flat in vec2 center;
flat in vec3 conic;
flat in float opacity;
{inputs}
{outputs}

void main() {{
    vec2 d = gl_FragCoord.xy - center;
    float sigma = 0.5 * (conic.x * d.x * d.x + conic.z * d.y * d.y) + conic.y * d.x * d.y;
    float alpha = min(opacity * exp(-sigma), {MAX_ALPHA!r});
    if (alpha < {MIN_ALPHA!r}) discard;
    {writes}
}}
"""
