"""What the shader is told of a frame beside the plain render: a talking avatar with a photo, 512x512 an eye.

`colour` is the plain render alone, which the conditions hold too: `colour_vs_conditions` says how many times as
much the whole costs. `compose` is what a window does with what was shaded, up to its pixels; `X_vs_step` says how
many times as much as X a step of the network costs (the small size on the engine that is the fastest here).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from benchmarks import BenchReport, side_by_side
from inperson.app.mirror.framing import mirror_picture, studio_background
from inperson.app.shading.planes import refined
from inperson.app.shading.views import pasted
from inperson.avatar.body import load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import LONGEST_PHOTO, GaussianAvatar, ReferencePhoto
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.selection import canonical_means
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.scene.crop import Crop, PixelRectangle
from inperson.render.views import EyeView, look_at
from inperson.shader_model.conditions.channels import DensePlanes, dense_gaussians, inner_view, surface_features
from inperson.shader_model.conditions.maker import ConditionMaker
from inperson.shader_model.conditions.moment import Moment
from inperson.shader_model.conditions.motion import Past, previous_places, previous_places_fast
from inperson.shader_model.conditions.photo import PhotoCarrier, PhotoPyramid, carry_photo
from inperson.shader_model.network.config import SIZES
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.candidates import candidates
from inperson.shader_model.runtime.choices import Shape
from inperson.shader_model.runtime.choose import measure
from inperson.shader_model.runtime.example import example_inputs
from inperson.workers import Workers, available_cores

SIZE, EYE_DISTANCE = 512, 0.064
FRAME_NS = 33_000_000


def run() -> BenchReport:
    """Two frames in turn, so that something moves; `mono` sees the left eye's view."""
    torch.set_num_threads(1)  # as in the live loop, which has other uses for the cores
    cores = available_cores()
    avatar = load_avatar("ada")
    body = load_body(avatar.body_name)
    avatar = photographed(avatar, canonical_means(avatar, body))
    poser, rasterizer, workers = AvatarPoser(avatar, body, cores), CpuRasterizer(cores), Workers(cores)
    states = [nodding(BodyState.rest(0, body.num_expression), angle) for angle in (0.0, 0.03)]
    frames = [poser.pose(state) for state in states]
    views = tuple(talking_view(x) for x in (-EYE_DISTANCE / 2, EYE_DISTANCE / 2))

    def conditions_of(eyes: tuple[EyeView, ...]) -> Callable[[], object]:
        maker, count = ConditionMaker(rasterizer, cores), [0]

        def make() -> object:
            count[0] += 1
            number = count[0] % 2
            return maker.make(Moment(poser, states[number], frames[number], eyes, count[0] * FRAME_NS))

        return make

    dense = dense_gaussians(frames[1], surface_features(avatar), frames[1].means - frames[0].means)
    mono = [inner_view(views[0])]
    planes = DensePlanes.of(rasterizer.render(dense, mono))
    past = Past.of(planes, views[:1])
    drawn = rasterizer.render_color(frames[1], views[:1]).planes
    told, wall = torch.from_numpy(drawn), studio_background(SIZE, SIZE)
    whole = Crop((PixelRectangle(0, 0, SIZE, SIZE),), views[:1])
    model = LiveShader(SIZES["small"]).eval()
    inputs = example_inputs(model, Shape(1, 1, SIZE, SIZE), told.device)
    makers = candidates(model, told.device, cores)
    times = measure(makers, inputs)
    network = makers[min(times, key=times.__getitem__)]()

    def compose() -> object:
        shaded = refined(told, inputs.color, np.ones(1, np.float32))
        return mirror_picture(pasted(shaded, whole, SIZE, SIZE), wall)

    assert avatar.photo is not None
    carrier, pyramid = PhotoCarrier(avatar.photo, workers), PhotoPyramid.of(avatar.photo)
    return side_by_side(
        "conditions",
        {
            "colour mono": lambda: rasterizer.render_color(frames[1], views[:1]),
            "conditions mono": conditions_of(views[:1]),
            "colour stereo": lambda: rasterizer.render_color(frames[1], views),
            "conditions stereo": conditions_of(views),
            "dense pass": lambda: rasterizer.render(dense, mono),
            "motion": lambda: previous_places_fast(planes, views[:1], past),
            "motion, plain": lambda: previous_places(planes, views[:1], past),
            "photo": lambda: carrier.carry(planes.photo),
            "photo, plain": lambda: carry_photo(planes.photo, pyramid),
            "compose": compose,
            "step": lambda: network.step(inputs),
        },
        compare=[
            ("colour mono", "conditions mono"),
            ("colour stereo", "conditions stereo"),
            ("motion", "motion, plain"),
            ("photo", "photo, plain"),
            ("conditions mono", "step"),
            ("compose", "step"),
        ],
        seconds=20.0,
    )


def talking_view(x: float, width: int = SIZE, height: int = SIZE) -> EyeView:
    """At talking distance, the person's head and chest filling the view."""
    half = float(np.deg2rad(19))
    return EyeView(look_at(np.array([x, 0.3, 1.3]), np.array([x, 0.2, 0])), -half, half, half, -half, width, height)


def nodding(state: BodyState, angle: float) -> BodyState:
    """With the head turned down so far."""
    pose = state.full_pose.copy()
    pose[[3, 15], 0], pose[16, 2], pose[17, 2] = angle, -1.0 - angle, 1.0
    return state.with_full_pose(pose)


def photographed(avatar: GaussianAvatar, means: np.ndarray) -> GaussianAvatar:
    """With a photo of noise, as large as may be, that shows all of the front."""
    low, high = means[:, :2].min(axis=0), means[:, :2].max(axis=0)
    places = ((means[:, :2] - low) / (high - low)).astype(np.float32)
    image = np.random.default_rng(0).integers(0, 256, (LONGEST_PHOTO, LONGEST_PHOTO, 4), np.uint8)
    image[..., 3] = 255
    trust = (means[:, 2] > np.median(means[:, 2])).astype(np.float32)
    return replace(avatar, photo=ReferencePhoto(image, places, trust))
