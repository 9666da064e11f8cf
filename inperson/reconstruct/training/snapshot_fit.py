"""An input picture as the create path meets it: over a room, cut out again, and fitted with a fit's errors."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import invert_rigid
from inperson.reconstruct.photo.matting import cut
from inperson.reconstruct.stages import Matte, PhotoFit
from inperson.reconstruct.training.people import PersonShots
from inperson.reconstruct.training.recipe import FitErrorRecipe
from inperson.render.views import EyeView
from inperson.synthetic.backgrounds import sample_room
from inperson.tracking.fit.skeleton import SkeletonModel
from inperson.tracking.ideal_observation import LandmarkNoise, observe_state

SEGMENTER_SHARE = 1 / 256
"""The segmenter's pixel as a share of the picture's shorter side."""
JPEG_QUALITY = (70, 97)
PIXEL_NOISE = (0.0, 4.0)
"""Standard deviation, of 255."""


def snapshot(
    body: BodyModel,
    skeleton: SkeletonModel,
    person: PersonShots,
    index: int,
    error: FitErrorRecipe,
    rng: np.random.Generator,
) -> tuple[PhotoFit, Matte]:
    """Input picture `index` of a person, fitted and cut out."""
    truth = person.states[int(person.input_state[index])]
    view = person.input_views[index]
    pelvis = BodyPoser(body, truth.betas).rest_joints[0]
    state = erred(seen_from(truth, view, pelvis), error, rng)
    state.betas[skeleton.num_betas :] = 0.0  # a fit to a photo does not know them
    at_origin = replace(view, T_world_from_eye=np.eye(4))
    fitted = replace(state, betas=state.betas[: skeleton.num_betas])
    observation = observe_state(
        skeleton, fitted, at_origin.intrinsics, noise=LandmarkNoise(pixels=0.003 * view.height), rng=rng
    )
    return PhotoFit(body, state, at_origin, observation), cut_from_room(person.input_rgba[index], rng)


def seen_from(state: BodyState, view: EyeView, pelvis: Float[np.ndarray, "3"]) -> BodyState:
    """The state in the space of the view's eye.

    Args:
        pelvis: of the rest pose, about which `global_orient` turns.
    """
    T = invert_rigid(view.T_world_from_eye)
    turned = Rotation.from_matrix(T[:3, :3]) * Rotation.from_rotvec(state.global_orient)
    transl = T[:3, :3] @ (pelvis + state.transl) + T[:3, 3] - pelvis
    return replace(state, global_orient=turned.as_rotvec().astype(np.float32), transl=transl.astype(np.float32))


def erred(state: BodyState, error: FitErrorRecipe, rng: np.random.Generator) -> BodyState:
    """The state (in the camera's space) as a fit would find it: a little wrong in everything."""

    def off(values: Float[np.ndarray, "..."], size: float) -> Float[np.ndarray, "..."]:
        return values + rng.normal(0.0, size, values.shape).astype(np.float32)

    away = state.transl / max(float(np.linalg.norm(state.transl)), 1e-6)
    distance = float(np.linalg.norm(state.transl))
    shift = rng.normal(0.0, error.sideways, 3) + rng.normal(0.0, error.depth) * away
    return replace(
        state,
        betas=off(state.betas, error.betas),
        global_orient=off(state.global_orient, error.body_pose / 2),
        transl=(state.transl + distance * shift).astype(np.float32),
        body_pose=off(state.body_pose, error.body_pose),
        left_hand_pose=off(state.left_hand_pose, error.hand_pose),
        right_hand_pose=off(state.right_hand_pose, error.hand_pose),
        jaw_pose=off(state.jaw_pose, error.jaw),
        expression=np.clip(off(state.expression, error.expression), 0.0, 1.0),
    )


def cut_from_room(rgba: np.ndarray, rng: np.random.Generator) -> Matte:
    """Put an RGBA picture (premultiplied) before a random room, as a camera stores it, and cut it out again."""
    height, width = rgba.shape[:2]
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    room = sample_room(rng, width, height, blur=float(rng.uniform(0.003, 0.02))).astype(np.float32)
    picture = rgba[..., :3] + (1.0 - alpha) * room + rng.normal(0.0, rng.uniform(*PIXEL_NOISE), rgba[..., :3].shape)
    stored = cv2.imencode(
        ".jpg",
        np.clip(picture[..., ::-1] + 0.5, 0, 255).astype(np.uint8),
        [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*JPEG_QUALITY))],
    )[1]
    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert decoded is not None
    image = np.ascontiguousarray(decoded[..., ::-1])
    pixel = max(1.0, min(width, height) * SEGMENTER_SHARE)
    probability = cv2.GaussianBlur(alpha[..., 0], (0, 0), 0.7 * pixel)
    return Matte(*cut(image, probability, pixel))
