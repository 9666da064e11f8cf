"""Baked ambient occlusion: how much of the sky each vertex of a dressed person sees, in a relaxed pose.

Attached to the surface, it gives nostrils, eyelids, collars and the mouth their depth at no cost per frame,
and it does not depend on the view. Measured by depth maps from evenly spread directions.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.state import BodyState
from inperson.synthetic.arm_ik import hanging_arms
from inperson.synthetic.drawables import Part
from inperson.synthetic.dressing import DressedPerson, PosedPerson
from inperson.synthetic.faces import expression_vector
from inperson.synthetic.lights import capture_light
from inperson.synthetic.stage import Stage, orthographic

_RADIUS = 1.15
"""Metres about the middle of the body."""
_BIAS = 0.004
"""Metres that a surface may lie behind the depth map and still count as seen."""


def bake_occlusion(person: DressedPerson, stage: Stage, directions: int = 64) -> DressedPerson:
    """The same person with `occlusion` measured; teeth and tongue with the mouth open, all else with it closed."""
    relaxed = hanging_arms(person.rest(), angle=0.75)
    names = person.body.expr_names
    closed = _visibility(stage, person.posed(relaxed), directions)
    wide = _visibility(stage, person.posed(_opened(relaxed, names)), directions // 2)
    baked = [
        replace(d, occlusion=(wide if d.part is Part.MOUTH else closed)[i]) for i, d in enumerate(person.drawables)
    ]
    return replace(person, drawables=tuple(baked))


def _opened(state: BodyState, names: tuple[str, ...] | None) -> BodyState:
    return replace(state, expression=expression_vector(names, {"jawOpen": 0.7, "mouthUpperUp": 0.5}))


def _visibility(stage: Stage, posed: PosedPerson, count: int) -> list[Float[np.ndarray, " N"]]:
    """Cosine-weighted share of `count` directions that reach each vertex of each drawable."""
    stage.set_scene(posed, capture_light())
    size = 768
    centre = posed.pose.body.joints[[0, 12]].mean(axis=0)
    seen = [np.zeros(len(p.vertices), np.float32) for p in posed.drawables]
    total = [np.full(len(p.vertices), 1e-6, np.float32) for p in posed.drawables]
    for towards in sphere_directions(count):
        clip_from_world = orthographic(centre, towards, _RADIUS)
        depth = stage.depth_map(clip_from_world, size)
        for i, p in enumerate(posed.drawables):
            cosine = np.clip(p.normals @ towards, 0.0, None).astype(np.float32)
            clip = p.vertices @ clip_from_world[:3, :3].T + clip_from_world[:3, 3]
            pixel = np.clip(((clip[:, :2] * 0.5 + 0.5) * size).astype(int), 0, size - 1)
            behind = (clip[:, 2] * 0.5 + 0.5) - depth[pixel[:, 1], pixel[:, 0]]
            seen[i] += cosine * (behind < _BIAS / 6.0)
            total[i] += cosine
    return [s / t for s, t in zip(seen, total, strict=True)]


def sphere_directions(count: int) -> Float[np.ndarray, "count 3"]:
    """Evenly spread unit vectors (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    height = 1.0 - 2.0 * k / count
    azimuth = np.pi * (1.0 + np.sqrt(5.0)) * k
    radius = np.sqrt(1.0 - height**2)
    return np.stack([radius * np.cos(azimuth), height, radius * np.sin(azimuth)], axis=1)
