#version 330
// Linear-light shading: one shadowed key light, two others, a sky-ground ambient term behind baked occlusion.
in vec3 position;
in vec3 normal;
in vec2 uv;
in float occlusion;
out vec4 color;

uniform sampler2D albedo_map;
uniform sampler2DShadow shadow_map;
uniform mat4 shadow_from_world;
uniform float shadow_texel;
uniform vec3 eye;

uniform vec3 light_direction[3];
uniform vec3 light_color[3];
uniform vec3 sky;
uniform vec3 ground;
uniform float exposure;
uniform float specular;

uniform bool uses_alpha;      // cloth and strands: the texture's alpha is the outline
uniform int strand_pass;      // 0 not strands, 1 their opaque core, 2 their soft rest
uniform vec3 wrap;            // light that bleeds past the terminator, per colour (skin: red furthest)
uniform float gloss;
uniform float gloss_exponent;
uniform vec3 bounce;          // exponent of the occlusion per colour: small = interreflection fills it in

const float CORE = 0.6;

float key_visibility(vec3 n) {
    vec4 q = shadow_from_world * vec4(position + n * 0.007, 1.0);
    vec3 s = q.xyz * 0.5 + 0.5;
    float lit = 0.0;
    for (int y = -1; y <= 1; ++y)
        for (int x = -1; x <= 1; ++x)
            lit += texture(shadow_map, vec3(s.xy + vec2(x, y) * 2.0 * shadow_texel, s.z - 0.002));
    return lit / 9.0;
}

void main() {
    vec4 texel = texture(albedo_map, uv, strand_pass > 0 ? -0.7 : 0.0);
    float alpha = uses_alpha ? texel.a : 1.0;
    if (strand_pass == 0 && alpha < 0.5) discard;
    if (strand_pass == 1 && alpha < CORE) discard;
    if (strand_pass == 2 && (alpha < 0.02 || alpha >= CORE)) discard;
    if (strand_pass != 2) alpha = 1.0;

    vec3 n = normalize(normal);
    vec3 to_eye = normalize(eye - position);
    if (!gl_FrontFacing) n = -n;
    float lining = gl_FrontFacing ? 1.0 : 0.55;
    vec3 ambient_reach = pow(vec3(occlusion), bounce);
    float visibility = key_visibility(n);

    vec3 diffuse = vec3(0.0);
    vec3 shine = vec3(0.0);
    float fresnel = 0.04 + 0.5 * pow(1.0 - max(dot(n, to_eye), 0.0), 5.0);
    for (int i = 0; i < 3; ++i) {
        float cosine = dot(n, light_direction[i]);
        float lit = i == 0 ? visibility : 1.0;
        vec3 bleeding = mix(wrap * vec3(0.2, 0.1, 0.1), vec3(1.0), lit);
        diffuse += light_color[i] * bleeding * max((vec3(cosine) + wrap) / (1.0 + wrap), 0.0) / (1.0 + wrap);
        vec3 half_way = normalize(light_direction[i] + to_eye);
        float lobe = pow(max(dot(n, half_way), 0.0), gloss_exponent) * (gloss_exponent + 8.0) / 25.0;
        shine += light_color[i] * lobe * fresnel * gloss * lit * step(0.0, cosine);
    }
    vec3 ambient = mix(ground, sky, n.y * 0.5 + 0.5);
    vec3 light = (diffuse * mix(vec3(1.0), ambient_reach, 0.5) + ambient * ambient_reach) * lining;
    color = vec4((texel.rgb * light + shine * specular * occlusion) * exposure, alpha);
}
