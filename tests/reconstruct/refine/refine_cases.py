"""A clip whose avatar, states and outlines are exactly known, and a spoilt avatar to be mended on it."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from scipy.spatial import cKDTree

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import canonical_means, select
from inperson.conventions import Intrinsics
from inperson.paths import assets_dir
from inperson.reconstruct.refine.canonical import avatar_from_canonical, canonical_from_avatar
from inperson.reconstruct.refine.frames import ClipFrame, ClipFrames
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView
from inperson.tracking.motion_file import load_motion

WIDTH, HEIGHT, FOCAL = 208, 160, 170.0
LOWERED = np.array([0.0, -0.08, 0.0], np.float32)
"""Metres: brings the head of somebody taller than the performer into the picture."""


@dataclass(frozen=True)
class Case:
    """`clip` shows `truth`."""

    truth: GaussianAvatar
    body: BodyModel
    clip: ClipFrames


@cache
def case() -> Case:
    """Thirty frames of the performer's gestures, performed by a thinned-out shipped avatar."""
    avatar = load_avatar("ada")
    thinned = select(avatar, np.arange(0, len(avatar.face_index), 5))
    truth = replace(thinned, scales=2.0 * thinned.scales, opacities=np.minimum(thinned.opacities, 0.95))
    body = load_body(avatar.body_name)
    motion = load_motion(assets_dir() / "performer" / "performer.npz")
    view = EyeView.from_intrinsics(Intrinsics(FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, WIDTH, HEIGHT))
    poser, rasterizer = AvatarPoser(truth, body), CpuRasterizer(1)
    frames = []
    for number in range(0, 270, 9):
        state = motion.state(number)
        state = replace(state, betas=truth.betas, transl=state.transl + LOWERED)
        drawn = rasterizer.render_color(poser.pose(state), [view])
        rgba = np.concatenate([drawn.rgb[0], drawn.alpha[0][..., None]], axis=2)
        frames.append(ClipFrame(np.rint(np.clip(rgba, 0, 1) * 255).astype(np.uint8), state))
    return Case(truth, body, ClipFrames(tuple(frames), view))


def spoilt(case: Case) -> GaussianAvatar:
    """The avatar with blurred and tinted colours, standing a little off the surface."""
    gaussians = canonical_from_avatar(case.truth, case.body)
    points = canonical_means(case.truth, case.body)
    _, near = cKDTree(points).query(points, k=40)
    colors = gaussians.colors.detach().numpy()[near].mean(axis=1) * np.array([1.1, 0.95, 0.85])
    rng = np.random.default_rng(0)
    knots, pushes = points[rng.choice(len(points), 100)], rng.normal(0, 0.004, (100, 3))
    share = np.exp(-np.square(points[:, None] - knots).sum(axis=2) / (2 * 0.1**2))
    pushed = share @ pushes / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    changed = replace(
        gaussians,
        colors=torch.from_numpy(colors.astype(np.float32)),
        base_offsets=gaussians.base_offsets + torch.from_numpy(pushed.astype(np.float32)),
    )
    return avatar_from_canonical(changed, case.truth, case.body, case.truth.betas)
