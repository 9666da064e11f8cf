"""`Tracker`: observations of one camera in, a steady `BodyState` per frame out."""

import time
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8

from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState, Source
from inperson.errors import BadInputError
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.anchors_follow import AnchorFollower
from inperson.tracking.face_retarget import FacePose, FaceRetargeter, NeutralFace
from inperson.tracking.filters import FilterTuning, RotationFilter, VectorFilter
from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.observe import PersonModel
from inperson.tracking.fit.shape import ShapeCalibrator
from inperson.tracking.fit.skeleton import FIT_BETAS, SkeletonModel, place_points
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.fit.solver import FitResult
from inperson.tracking.fit.torso import torso_of
from inperson.tracking.frame_fitter import FrameFitter
from inperson.tracking.head_pitch import HeadPitch
from inperson.tracking.observation import Observation
from inperson.tracking.parts import HoldTiming, Part, PartKeeper, moving_joints, per_joint
from inperson.tracking.plausible import with_doubts
from inperson.tracking.profile import UserProfile
from inperson.tracking.residuals import Residuals, measure_residuals, project
from inperson.tracking.rims import RimFinder
from inperson.tracking.seen import SeenParts

_TRANSL_TUNING = FilterTuning((1.0, 1.0, 0.5), (40.0, 40.0, 8.0), speed_cutoff=8.0)
"""Depth is known less well than place in the picture: it is held steadier."""
_SHAPE_EASE_S = 0.5
"""Time constant with which a new shape is taken over."""


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One frame's answer."""

    state: BodyState
    observation: Observation
    """What was believed of the observation given: without hands that cannot be, or are too doubtful."""
    residuals: Residuals
    held: tuple[Part, ...]
    """Parts not seen in this frame, shown held or easing to rest."""
    fit_ms: float
    """Time of this whole update."""


class Tracker:
    """Fits, filters, holds. One person, one camera; call `update` with every observation in time order.

    Args:
        body: the body to fit.
        profile: what is known of the user; None estimates shape and neutral face over the first seconds.
        timing: how lost parts are held.
        smooth: filter the output (live); offline smoothing looks ahead instead.
        anchors: what the user's surface looks like and where; they bring a profile of their own. `update` then needs
            every frame's picture too.
        clothes: what hair and clothes add to the vertices of the user's shaped T-pose, metres. With them the body's
            edge is drawn to the silhouette, in observations that have one.

    Raises:
        ValueError: both a profile and anchors are given, or clothes of a user of whom neither is.
        BadInputError: the anchors or the clothes were made for another body.
    """

    def __init__(
        self,
        body: BodyModel,
        profile: UserProfile | None = None,
        *,
        timing: HoldTiming | None = None,
        smooth: bool = True,
        anchors: AnchorSet | None = None,
        clothes: Float[np.ndarray, "V 3"] | None = None,
    ) -> None:
        if anchors is not None:
            profile = _profile_of(anchors, profile, body)
        if clothes is not None and profile is None:
            raise ValueError("clothes fit one shape: give the profile or the anchors of who wears them")
        self.body = body
        self._smooth = smooth
        self._model = SkeletonModel.from_body(body, max(FIT_BETAS, 0 if profile is None else len(profile.betas)))
        self._prior = pose_prior(body)
        self._rest = exp_all(rest_pose(self._prior))
        self._calibrator = ShapeCalibrator(self._model) if profile is None else None
        self._neutral = NeutralFace() if profile is None else None
        self._learning = profile is None
        self._head_pitch = HeadPitch() if profile is None else HeadPitch(profile.head_pitch)
        self._face_neutral = np.zeros(52) if profile is None else profile.face_neutral_array
        self._betas = np.zeros(self._model.num_betas)
        self._hand_scale = 1.0
        if profile is not None:
            known = profile.betas_array[: self._model.num_betas]
            self._betas[: len(known)] = known
            self._hand_scale = profile.hand_scale
        self._torso = torso_of(body, self._betas)
        self._retarget = FaceRetargeter(body)
        timing = timing or HoldTiming()
        self._keepers = {
            part: PartKeeper(self._rest[list(part.value)], np.zeros(_vector_size(part, body)), timing)
            for part in Part
        }
        self._seen = SeenParts()
        self._trust = dict.fromkeys(Part, 0.0)
        """How well each part was seen when it was last seen."""
        self._rotation_filter = RotationFilter(*_rotation_tuning())
        self._transl_filter = VectorFilter(_TRANSL_TUNING)
        self._expression_filter = VectorFilter(FilterTuning(4.0, 8.0))
        skeleton = self._model.shaped(self._betas, self._hand_scale)
        self._fitter = FrameFitter(
            None if anchors is None else AnchorFollower(anchors, skeleton),
            None if clothes is None else RimFinder(body, self._betas, clothes, skeleton),
        )
        self._fitted: FitResult | None = None
        self._last_ns: int | None = None
        self._transl, self._root = np.array([0.0, 0.0, -1.5]), np.eye(3)

    @property
    def profile(self) -> UserProfile:
        """What is known of the user now."""
        return UserProfile(
            body_name=self.body.name,
            body_sha256=self.body.sha256,
            betas=tuple(float(b) for b in self._betas),
            hand_scale=float(self._hand_scale),
            head_pitch=self._head_pitch.value,
            face_neutral=tuple(float(s) for s in self._face_neutral),
        )

    @property
    def calibrated(self) -> bool:
        """Whether the user's shape is known (from a profile, or after the first seconds)."""
        return self._calibrator is None or self._calibrator.done

    def finish_profile(self) -> UserProfile:
        """The profile after putting the key frames seen so far to full use (offline: takes a moment)."""
        if self._calibrator is not None:
            self._calibrator.run()
            self._betas, self._hand_scale = self._calibrator.betas.copy(), self._calibrator.hand_scale
        return self.profile

    def residuals(self, obs: Observation, state: BodyState) -> Residuals:
        """How far a state of this user is from what was seen."""
        return measure_residuals(obs, self._model.shaped(self._betas, self._hand_scale), state)

    def update(self, obs: Observation, image: UInt8[np.ndarray, "H W 3"] | None = None) -> TrackedFrame:
        """The state for one observation.

        Args:
            obs: what was seen.
            image: the picture it was seen in; only anchors need it.
        """
        start = time.perf_counter()
        dt = 1 / 30 if self._last_ns is None else float(np.clip((obs.time_ns - self._last_ns) * 1e-9, 1e-3, 1.0))
        self._last_ns = obs.time_ns
        obs = with_doubts(obs)
        seen = self._seen.update(obs)
        obs = _believed(obs, seen)
        if Part.TRUNK in seen:
            self._fit_frame(obs, seen, dt, image)
        rotations = self._show_body(seen, dt)
        face = self._show_face(obs, Part.FACE in seen, dt)
        state = self._state(obs, rotations, face, seen)
        residuals = self.residuals(obs, state)
        held = tuple(part for part in Part if part not in seen)
        return TrackedFrame(state, obs, residuals, held, (time.perf_counter() - start) * 1e3)

    def _fit_frame(
        self, obs: Observation, seen: frozenset[Part], dt: float, image: UInt8[np.ndarray, "H W 3"] | None
    ) -> None:
        """Fits the body, and learns about the user from it."""
        self._ease_shape(dt)
        skeleton = self._model.shaped(self._betas, self._hand_scale)
        person = PersonModel(skeleton, self._torso, self._prior, self._head_pitch.value)
        fitted = self._fitter.fit(obs, person, moving_joints(seen), self._held_rotations(), dt, image)
        if fitted.without_past:
            self._rotation_filter.reset()
            self._transl_filter.reset()
        self._fitted = fitted.result
        if self._learning:
            points = place_points(skeleton, fitted.result.rotations, fitted.result.transl, np.arange(lm.NUM_POINTS))
            self._head_pitch.add(obs, project(points, obs.intrinsics), float(-points[lm.HEAD_ORIGIN, 2]))
        if self._calibrator is not None and not self._calibrator.done:
            self._calibrator.offer(obs, fitted.problem, fitted.result.rotations, fitted.result.transl)
            if self._calibrator.step():
                self._torso = torso_of(self.body, self._calibrator.betas)

    def _ease_shape(self, dt: float) -> None:
        if self._calibrator is not None:
            share = 1.0 - np.exp(-dt / _SHAPE_EASE_S)
            self._betas = self._betas + share * (self._calibrator.betas - self._betas)
            self._hand_scale += share * (self._calibrator.hand_scale - self._hand_scale)

    def _held_rotations(self) -> Float[np.ndarray, "55 3 3"]:
        out = self._rest.copy()
        for part, keeper in self._keepers.items():
            out[list(part.value)] = keeper.shown[0]
        return out

    def _show_body(self, seen: frozenset[Part], dt: float) -> Float[np.ndarray, "55 3 3"]:
        """Filtered rotations of what is seen, held ones of what is not; updates the translation."""
        out = self._held_rotations()
        if self._fitted is not None and Part.TRUNK in seen:
            rotations, transl = self._fitted.rotations, self._fitted.transl
            if self._smooth:
                rotations, transl = self._rotation_filter(rotations, dt), self._transl_filter(transl, dt)
        else:
            rotations, transl = out, None
        for part, keeper in self._keepers.items():
            if part in (Part.FACE, Part.EYES):
                continue
            joints = list(part.value)
            vector = transl if part is Part.TRUNK and transl is not None else np.zeros(len(keeper.shown[1]))
            out[joints], shown_vector = keeper.update((rotations[joints], vector) if part in seen else None, dt)
            if part is Part.TRUNK:
                self._show_root(shown_vector, out, part in seen)
        return out

    def _show_root(self, transl: np.ndarray, rotations: np.ndarray, seen: bool) -> None:
        """A lost body eases to rest where it stands: its place and its heading stay."""
        if seen:
            self._transl = transl
            self._root = rotations[0].copy()
        elif self._fitted is not None:
            rotations[0] = self._root

    def _show_face(self, obs: Observation, seen: bool, dt: float) -> FacePose:
        keeper, eyes = self._keepers[Part.FACE], self._keepers[Part.EYES]
        if obs.face is None or not seen:
            jaw, expression = keeper.update(None, dt)
            eye_rotations, _ = eyes.update(None, dt)
        else:
            scores = obs.face.blendshapes.astype(np.float64)
            if self._neutral is not None:
                self._neutral.add(scores)
                self._face_neutral = self._neutral.value
            if self._smooth:
                scores = self._expression_filter(scores, dt)
            pose = self._retarget(scores, self._face_neutral)
            jaw, expression = keeper.update((exp_all(pose.jaw_pose[None]), pose.expression), dt)
            eye_rotations, _ = eyes.update((exp_all(np.stack([pose.leye_pose, pose.reye_pose])), np.zeros(0)), dt)
        leye, reye = log_all(eye_rotations)
        return FacePose(expression, log_all(jaw)[0], leye, reye)

    def _state(self, obs: Observation, rotations: np.ndarray, face: FacePose, seen: frozenset[Part]) -> BodyState:
        pose = log_all(rotations)
        betas = np.zeros(self.body.num_betas, np.float32)
        betas[: len(self._betas)] = self._betas
        shown = (Part.TRUNK, Part.LEFT_FINGERS, Part.RIGHT_FINGERS, Part.FACE, Part.EYES)  # in the order of PARTS
        for part, trust in self._seen.confidence(obs).items():
            if part in seen:
                self._trust[part] = trust
        return BodyState(
            betas=betas,
            global_orient=pose[0].astype(np.float32),
            transl=self._transl.astype(np.float32),
            body_pose=pose[1:22].astype(np.float32),
            left_hand_pose=pose[25:40].astype(np.float32),
            right_hand_pose=pose[40:55].astype(np.float32),
            jaw_pose=face.jaw_pose.astype(np.float32),
            leye_pose=face.leye_pose.astype(np.float32),
            reye_pose=face.reye_pose.astype(np.float32),
            expression=face.expression.astype(np.float32),
            time_ns=obs.time_ns,
            confidence=np.array([self._trust[p] * self._keepers[p].presence for p in shown], np.float32),
            source=tuple(Source.CAMERA if p in seen else Source.HELD for p in shown),
        )


def _profile_of(anchors: AnchorSet, profile: UserProfile | None, body: BodyModel) -> UserProfile:
    if profile is not None:
        raise ValueError("anchors know whom they belong to: give no profile beside them")
    if anchors.profile.body_sha256 != body.sha256:
        raise BadInputError(
            f"the anchors were made for body '{anchors.profile.body_name}', not '{body.name}'",
            f"track with --body {anchors.profile.body_name}",
        )
    return anchors.profile


def _believed(obs: Observation, seen: frozenset[Part]) -> Observation:
    """Without hands that are too doubtful to count as seen."""
    left = obs.left_hand if Part.LEFT_FINGERS in seen else None
    right = obs.right_hand if Part.RIGHT_FINGERS in seen else None
    if left is obs.left_hand and right is obs.right_hand:
        return obs
    return replace(obs, left_hand=left, right_hand=right)


def _vector_size(part: Part, body: BodyModel) -> int:
    return {Part.TRUNK: 3, Part.FACE: body.num_expression}.get(part, 0)


def _rotation_tuning() -> tuple[Float[np.ndarray, "55"], Float[np.ndarray, "55"]]:
    """One-Euro cutoff at rest (Hz) and its growth with speed (Hz per rad/s).

    The trunk is quick: what it turns, it carries out to the hands, where a small lag shows.
    """
    return per_joint(2.0, 0.9, 0.8, 1.3), per_joint(40.0, 14.0, 10.0, 8.0)
