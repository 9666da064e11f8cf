"""Steps of the avatar's optimisers on every device that there is: the CPU, and CUDA where gsplat works.

`polish`: against the shipped performer's first frame, as `inperson avatar create` does it. `refine`: on pictures of
a shipped avatar in twelve of the performer's poses, as `inperson avatar refine` does it, small as in its first steps
and large as in its last. `STAGE_DEVICE_steps_per_s` are steps a second; `STAGE_cuda_vs_STAGE_cpu` says how many
times faster CUDA is. Transfers between the devices are part of what is timed; aligning frames is not.
"""

from collections.abc import Callable
from dataclasses import replace

import av
import numpy as np
import torch

from benchmarks import BenchReport, side_by_side
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.conventions import Intrinsics
from inperson.paths import assets_dir
from inperson.reconstruct.canonical import CPU
from inperson.reconstruct.device import choose_device
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.photo.fitting import fit_landmarks, fit_outline
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.person import find_person
from inperson.reconstruct.polish import PolishSettings, polish
from inperson.reconstruct.polish_target import polish_target
from inperson.reconstruct.refine.canonical import canonical_from_avatar
from inperson.reconstruct.refine.frames import ClipFrame, ClipFrames
from inperson.reconstruct.refine.learner import Learner
from inperson.reconstruct.refine.objective import Objective
from inperson.reconstruct.refine.optimise import Lesson, Optimiser
from inperson.reconstruct.refine.residuals import LearnedResiduals, PoseBasis
from inperson.reconstruct.refine.settings import OptimiseSettings, RefineSettings
from inperson.reconstruct.stages import Photo
from inperson.reconstruct.surface.filling import fill_colors
from inperson.reconstruct.surface.gaussians import plain_gaussians
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.outline import match_outline
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.reconstruct.surface.seeing import see
from inperson.reconstruct.surface.sites import lay_sites, seen_share
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.views import EyeView
from inperson.tracking.motion_file import load_motion

STEPS = 10
"""In one timed call."""
FRAMES = range(0, 240, 20)
"""Of the performer's motion."""
FOREVER = 10**6
"""Steps that no benchmark gets to the end of."""


def run(seconds: float = 60.0) -> BenchReport:
    """Times `STEPS` steps of each optimiser on each device, in turns."""
    devices = {"cpu": CPU} | _cuda()
    photo, clip = _PolishCase(), _clip()
    subjects: dict[str, Callable[[], object]] = {}
    for name, device in devices.items():
        subjects[f"polish_{name}"] = photo.on(device)
        for size, small_share in (("small", 1.0), ("large", 0.0)):
            subjects[f"refine_{size}_{name}"] = _refine(clip, device, small_share)
    stages = ("polish", "refine_small", "refine_large")
    compare = [(f"{stage}_cuda", f"{stage}_cpu") for stage in stages if "cuda" in devices]
    report = side_by_side("optimise", subjects, compare, seconds)
    report["ratios"] |= {f"{c['name']}_steps_per_s": 1e3 * STEPS / c["median_ms"] for c in report["cases"]}
    if "cuda" not in devices:
        report["device"] += "; CUDA with gsplat is not at hand, so there are only the CPU's rows"
    return report


def _cuda() -> dict[str, torch.device]:
    device = choose_device("auto")
    return {} if device == CPU else {"cuda": device}


class _PolishCase:
    """The performer's first frame and the plain completion's answer to it."""

    def __init__(self) -> None:
        with av.open(str(assets_dir() / "performer" / "performer.mp4")) as video:
            picture = next(video.decode(video=0)).to_ndarray(format="rgb24")
        observation = find_person(Photo(picture, "performer", "", None))
        matte = Matter().cut_out(picture, observation)
        fit = fit_outline(fit_landmarks(load_body("neutral"), observation), matte)
        surface = match_outline(fit, matte)
        vertices = posed_vertices(surface, fit.state)
        drawn = draw_mesh(vertices, fit.body.faces, fit.view)
        sites = lay_sites(surface, seen_share(drawn, vertices, fit.body.faces, fit.view.intrinsics.fx))
        seen = see(sites, surface, fit, drawn, matte)
        self._gaussians = plain_gaussians(sites, fill_colors(sites, seen, surface), surface, seen)
        self._confidence, self._fit = seen.confidence, fit
        self._target = polish_target(matte, fit.view).finer()

    def on(self, device: torch.device) -> Callable[[], object]:
        """Polishes for `STEPS` steps, to the avatar's tensors on the CPU."""
        fit, settings = self._fit, PolishSettings(steps=STEPS)

        def polished() -> object:
            start = self._gaussians.to(device)
            return polish(start, self._confidence, fit.body, fit.state, self._target, settings).to(CPU)

        return polished


def _clip() -> ClipFrames:
    """A shipped avatar in the performer's poses, in pictures as large as a webcam's frames."""
    avatar, width, height = load_avatar("ada"), 640, 480
    motion = load_motion(assets_dir() / "performer" / "performer.npz")
    view = EyeView.from_intrinsics(Intrinsics(555.0, 555.0, width / 2, height / 2, width, height))
    poser, rasterizer = AvatarPoser(avatar, load_body(avatar.body_name)), CpuRasterizer()
    frames = []
    for number in FRAMES:
        state = replace(motion.state(number), betas=avatar.betas)
        drawn = rasterizer.render_color(poser.pose(state), [view])
        rgba = np.concatenate([drawn.rgb[0], drawn.alpha[0][..., None]], axis=2)
        frames.append(ClipFrame(np.rint(np.clip(rgba, 0, 1) * 255).astype(np.uint8), state))
    return ClipFrames(tuple(frames), view)


def _refine(clip: ClipFrames, device: torch.device, small_share: float) -> Callable[[], object]:
    """`STEPS` more steps of one optimisation."""
    avatar, defaults = load_avatar("ada"), RefineSettings()
    body = load_body(avatar.body_name)
    settings = OptimiseSettings(steps=FOREVER, check_every=FOREVER, align_at=(), residuals_from=0.0)
    gaussians = canonical_from_avatar(avatar, body).to(device)
    residuals = LearnedResiduals.none(gaussians, PoseBasis.of(clip.states, body.num_expression))
    learner = Learner(gaussians, residuals, body, avatar.betas, settings)
    small = clip.scaled(defaults.first_side / clip.view.width)
    lesson = Lesson(small.cropped(), clip.cropped(), small.part([0]))
    objective = Objective(Perceptual.load().to(device), settings.weights)
    optimiser = Optimiser(learner, lesson, objective, settings, small_share)
    optimiser.start()

    def stepped() -> object:
        asked = iter([False] * STEPS + [True])
        return optimiser.run(lambda: next(asked), lambda now: None)

    return stepped
