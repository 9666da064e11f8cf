#version 330
// Premultiplied linear light to display: a soft shoulder above 0.6, sRGB encoding, and the background behind.
// Without a background the result is the encoded colour premultiplied by alpha (the colour over black).
in vec2 uv;
out vec4 color;
uniform sampler2D image;
uniform sampler2D background;
uniform bool has_background;
uniform int factor;  // the image is this many times as large as the picture

vec3 encode(vec3 x) {
    x = mix(x, 0.6 + 0.4 * (1.0 - exp(-(x - 0.6) / 0.4)), step(0.6, x));
    x = clamp(x, 0.0, 1.0);
    return mix(12.92 * x, 1.055 * pow(x, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, x));
}

void main() {
    vec4 c = vec4(0.0);
    ivec2 corner = ivec2(gl_FragCoord.xy) * factor;
    for (int y = 0; y < factor; ++y)
        for (int x = 0; x < factor; ++x)
            c += texelFetch(image, corner + ivec2(x, y), 0);
    c /= float(factor * factor);
    if (has_background)
        color = vec4(encode(c.rgb + texture(background, uv).rgb * (1.0 - c.a)), c.a);
    else
        color = vec4(encode(c.rgb / max(c.a, 1e-4)) * c.a, c.a);
}
