"""People with nothing on, in colours that are a known function of the T-pose, drawn without a graphics driver."""

from dataclasses import replace

import numpy as np

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.reconstruct.stages import DressedSurface
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.reconstruct.training.people import PersonShots
from inperson.render.views import EyeView, look_at
from inperson.synthetic.arm_ik import hanging_arms
from inperson.synthetic.lights import direction


def color_at(rest: np.ndarray) -> np.ndarray:
    """sRGB 0 to 1 of (N, 3) points of the T-pose: smooth, and different on the left, above and behind."""
    x, y, z = rest.T
    return np.stack([0.5 + 0.4 * np.tanh(2 * x), 0.5 + 0.3 * np.sin(4 * y), 0.4 + 0.3 * (z > 0)], axis=1)


def view_from(azimuth: float, size: int, distance: float = 2.6) -> EyeView:
    K = Intrinsics(1.15 * size, 1.15 * size, size / 2, size / 2, size, size)
    middle = np.array([0.0, -0.3, 0.0])
    return EyeView.from_intrinsics(K, look_at(middle + distance * direction(azimuth, 0.1), middle))


def states(body: BodyModel, seed: int) -> tuple[BodyState, BodyState]:
    """Arms down, and the T-pose, of somebody."""
    betas = np.random.default_rng(seed).normal(0.0, 0.5, body.num_betas).astype(np.float32)
    rest = replace(BodyState.rest(body.num_betas, body.num_expression), betas=betas)
    return hanging_arms(rest, angle=0.8), rest


def shot(body: BodyModel, state: BodyState, view: EyeView) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RGBA, part and depth."""
    bare = DressedSurface(body, state.betas, np.zeros((body.num_vertices, 3), np.float32))
    picture = draw_mesh(posed_vertices(bare, state), body.faces, view)
    drawn = picture.face_index >= 0
    rest = at_places(body.shaped(state.betas), body.faces, picture.face_index[drawn], picture.barycentric[drawn])
    rgba = np.zeros((view.height, view.width, 4), np.uint8)
    rgba[drawn, :3] = color_at(rest) * 255.0 + 0.5
    rgba[drawn, 3] = 255
    return rgba, drawn.astype(np.uint8), picture.depth


def bare_person(seed: int, views: int = 4, size: int = 128) -> PersonShots:
    """One input picture from before, and target views from all round in two states."""
    body = load_body("neutral")
    both = states(body, seed)
    front = view_from(0.2, size)
    rgba, part, _ = shot(body, both[0], front)
    around = [view_from(2 * np.pi * k / views + 0.3, size) for k in range(views)]
    of_view = np.array([k % 2 for k in range(views)], np.int32)
    shots = [shot(body, both[s], view) for s, view in zip(of_view, around, strict=True)]
    return PersonShots(
        name=f"bare{seed:05d}",
        states=both,
        input_rgba=(rgba,),
        input_part=(part,),
        input_views=(front,),
        input_state=np.zeros(1, np.int32),
        target_rgba=np.stack([s[0] for s in shots]),
        target_part=np.stack([s[1] for s in shots]),
        target_depth=np.stack([s[2] for s in shots]),
        target_views=tuple(around),
        target_state=of_view,
    )
