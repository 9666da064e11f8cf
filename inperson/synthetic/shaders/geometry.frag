#version 330
// Ground truth, one sample a pixel: distance along the view axis and part id; normal in the world.
in vec3 position;
in vec3 normal;
in vec2 uv;
in float occlusion;
layout(location = 0) out vec2 depth_part;
layout(location = 1) out vec4 world_normal;

uniform sampler2D albedo_map;
uniform bool uses_alpha;
uniform float part;
uniform vec3 eye;
uniform vec3 view_axis;

void main() {
    if (uses_alpha && texture(albedo_map, uv).a < 0.5) discard;
    vec3 n = normalize(normal);
    depth_part = vec2(dot(position - eye, view_axis), part);
    world_normal = vec4(gl_FrontFacing ? n : -n, 1.0);
}
