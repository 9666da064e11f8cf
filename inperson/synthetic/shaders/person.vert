#version 330
// Vertices arrive posed, in the world. `bias` pulls brows and lashes in front of the skin they lie on.
uniform mat4 clip_from_world;
uniform float bias;
in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in float in_occlusion;
out vec3 position;
out vec3 normal;
out vec2 uv;
out float occlusion;

void main() {
    position = in_position;
    normal = in_normal;
    uv = in_uv;
    occlusion = in_occlusion;
    gl_Position = clip_from_world * vec4(in_position, 1.0);
    gl_Position.z -= bias * gl_Position.w;
}
