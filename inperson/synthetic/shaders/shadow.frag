#version 330
in vec3 position;
in vec3 normal;
in vec2 uv;
in float occlusion;
uniform sampler2D albedo_map;
uniform bool uses_alpha;

void main() {
    if (uses_alpha && texture(albedo_map, uv).a < 0.5) discard;
}
