"""Choosing the anchors of a person in a picture: its corners, where they lie on the body."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy.spatial import cKDTree

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.face_retarget import NeutralFace
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.observe import person_pixels
from inperson.tracking.observation import Observation
from inperson.tracking.profile import UserProfile
from inperson.tracking.residuals import project

MOST = 260
"""Anchors chosen at most."""
MAX_CARRIERS = 4
"""Joints that carry one anchor; the lightest are left out."""
PERSON_PIXELS = 240.0
"""The reference picture is made smaller until the person's trunk is this long: more is not seen by a webcam."""
_APART = 6.0
"""Pixels between anchors."""
_LEAST_QUALITY = 0.01
"""Of the strongest corner's."""
_INSIDE = 5
"""Pixels that anchors stay inside the outline: beyond it the background shows through the patch."""
_NEAR = 2.0
"""Pixels from an anchor to the place of the surface that it takes its binding from."""
_HANDS = (JOINT["left_wrist"], JOINT["right_wrist"], *range(JOINT["left_index1"], JOINT["right_thumb3"] + 1))
_MOST_ON_HANDS = 0.3
"""Share of the skinning weights from which a place is the hand's: hands change shape too much to be followed."""
_STEP = 1e-3
"""Metres along the surface over which a patch's distortion is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceHits:
    """M places of a person's surface that a picture shows, as dense as its pixels."""

    points: Float[np.ndarray, "M 3"]
    """World (the picture's camera stands in its origin), metres."""
    face_index: Int[np.ndarray, " M"]
    barycentric: Float[np.ndarray, "M 3"]


def choose_anchors(
    body: BodyModel,
    state: BodyState,
    image: UInt8[np.ndarray, "H W 3"],
    inside: Bool[np.ndarray, "H W"],
    hits: SurfaceHits,
    observation: Observation,
) -> AnchorSet:
    """The corners of a picture that lie on a person, hands excepted. None at all gives an empty set.

    Args:
        body: the person's.
        state: the person as they stand in the picture; its betas are theirs.
        image: the picture.
        inside: where the person is in it.
        hits: of the person's surface, clothes and hair included.
        observation: what the landmarkers saw in the picture.
    """
    scale = min(1.0, PERSON_PIXELS / person_pixels(observation))
    grey = _resized(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), scale)
    camera = _camera(observation.intrinsics, grey.shape[1], grey.shape[0])
    pixels = _corners(grey, _resized(inside.astype(np.uint8), scale) > 0)
    near, distance = _nearest(pixels, project(hits.points, camera))
    skinning = np.einsum(
        "nk,nkj->nj", hits.barycentric[near], body.weights[body.faces[hits.face_index[near]]].astype(np.float64)
    )
    usable = (distance < _NEAR) & (skinning[:, list(_HANDS)].sum(axis=1) < _MOST_ON_HANDS)
    pixels, near, skinning = pixels[usable][:MOST], near[usable][:MOST], skinning[usable][:MOST]
    carriers = np.argsort(-skinning, axis=1, kind="stable")[:, :MAX_CARRIERS]
    weights = np.take_along_axis(skinning, carriers, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    poser = BodyPoser(body, state.betas)
    transforms = poser.joint_transforms(state)[0].astype(np.float64)
    blended = np.einsum("nk,nkij->nij", weights, transforms[carriers])
    rest_from_posed = np.linalg.inv(blended[:, :, :3])
    points = _unproject(pixels, -hits.points[near, 2], camera)
    steps = _across(poser.pose(state).vertices[body.faces[hits.face_index[near]]].astype(np.float64))
    return AnchorSet(
        _profile(body, state, observation),
        grey,
        camera,
        state,
        pixels,
        carriers,
        weights,
        np.einsum("nij,nj->ni", rest_from_posed, points - blended[:, :, 3]),
        np.einsum("nij,ntj->nti", rest_from_posed, _STEP * steps),
    )


def _profile(body: BodyModel, state: BodyState, observation: Observation) -> UserProfile:
    """The person: hands as large as the body's, the face at rest as far as one picture tells."""
    neutral = NeutralFace()
    if observation.face is not None:
        neutral.add(observation.face.blendshapes)
    return UserProfile(
        body_name=body.name,
        body_sha256=body.sha256,
        betas=tuple(float(b) for b in state.betas),
        face_neutral=tuple(float(s) for s in neutral.value),
    )


def _resized(image: UInt8[np.ndarray, "H W"], scale: float) -> UInt8[np.ndarray, "h w"]:
    return image if scale == 1.0 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _camera(k: Intrinsics, width: int, height: int) -> Intrinsics:
    """The same camera for a picture of another size."""
    x, y = width / k.width, height / k.height
    return Intrinsics(k.fx * x, k.fy * y, k.cx * x, k.cy * y, width, height)


def _corners(grey: UInt8[np.ndarray, "H W"], inside: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "N 2"]:
    """Pixels, the strongest first (Shi and Tomasi 1994)."""
    side = 2 * _INSIDE + 1
    allowed = cv2.erode(inside.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=0)
    corners = cv2.goodFeaturesToTrack(grey, 2 * MOST, _LEAST_QUALITY, _APART, mask=allowed)
    return np.zeros((0, 2)) if corners is None else corners[:, 0].astype(np.float64) + 0.5


def _nearest(
    pixels: Float[np.ndarray, "N 2"], projected: Float[np.ndarray, "M 2"]
) -> tuple[Int[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    distance, index = cKDTree(projected).query(pixels)
    return index, distance


def _unproject(
    pixels: Float[np.ndarray, "N 2"], depth: Float[np.ndarray, " N"], k: Intrinsics
) -> Float[np.ndarray, "N 3"]:
    x, y = (pixels[:, 0] - k.cx) / k.fx, (pixels[:, 1] - k.cy) / k.fy
    return np.stack([x * depth, -y * depth, -depth], axis=1)


def _across(corners: Float[np.ndarray, "N 3 3"]) -> Float[np.ndarray, "N 2 3"]:
    """Two unit vectors in the plane of each triangle, at right angles to each other."""
    first = corners[:, 1] - corners[:, 0]
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    normal = np.cross(first, corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return np.stack([first, np.cross(normal, first)], axis=1)
