"""Synthetic people with ground truth: a virtual capture stage, from MakeHuman's assets to pictures.

The way of one picture, a module each:

mhassets, basemesh, binding     read .obj, .mhclo, .mhmat; bind garments to hm08 in a body's shape space
wardrobe, textures, fabrics     find, read, dye and print clothes, hair, skin, eyes, teeth
shapes, people, cast            who: body shapes, random people, the named ones
dressing, drawables, surfaces   a dressed person, and how each mesh follows the posed body
faces, hand_shapes, arm_ik      expressions, hands, arms
motion/                         gestures, talking, scripts; BVH and AMASS-style files
lights, backgrounds, cameras    the set
stage, gpu, shaders/, occlusion the renderer: colour, mask, depth, normals, part ids (moderngl, EGL)
sensor, video, penetration      webcam noise, H.264, are arms outside the torso
captures, avatar_captures       what avatars are fitted to
webcam_clips                    what tracking is measured on, and the demo performer
"""
