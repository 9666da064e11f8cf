"""`HeadsetFusion`: headset and webcam become one body. Where the headset knows a part it wins, part by part.

The head is certain, so the body hangs from it: its eyes' midpoint is the VIEW pose, spine and neck make up for the
difference to a trunk that the webcam sees or the head's place over the feet suggests. Arms go to tracked wrists,
legs from the hips to the floor. A part that is lost goes over to its next best source within a quarter of a second.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState, Source
from inperson.tracking.fit.limits import pose_prior, rest_pose
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.headset_arm import Arm
from inperson.tracking.headset_camera import CameraSkeleton, SeenBody, WebcamBody, fresh
from inperson.tracking.headset_crossover import RotationCrossover, VectorCrossover
from inperson.tracking.headset_face import HeadsetFace
from inperson.tracking.headset_hand import CAMERA, REST, Hand, HandReading
from inperson.tracking.headset_heading import Heading, near_head, view_heading, yaw_of
from inperson.tracking.headset_skeleton import JOINT, WearerSkeleton
from inperson.tracking.headset_stance import Stance
from inperson.tracking.headset_trunk import TrunkPose, hang_from_head, leaning_trunk
from inperson.tracking.headset_warming import warming_up
from inperson.tracking.play_calibration import PlayCalibration

_HEAD, _CHEST = JOINT["head"], JOINT["spine3"]
_TRUNK = [0, 3, 6, 9, JOINT["neck"], _HEAD]
_BODY_FROM_VIEW = np.diag([-1.0, 1.0, -1.0])
"""VIEW looks along -z, SMPL-X's head along +z."""
_BY_HELD, _BY_CAMERA, _BY_HEADSET = range(3)
_SOURCES = (Source.HELD, Source.CAMERA, Source.HEADSET)


class HeadsetFusion:
    """One wearer. Call `fuse` once per display frame, in time order, from one thread.

    Args:
        body: the body.
        betas: its shape, the one the result is posed with (`betas_with_eye_height` gives it the wearer's height).
        calibration: where the webcam is; None leaves the webcam's place and heading unused (its limbs, relative to
            the trunk, and its face still count).
    """

    def __init__(self, body: BodyModel, betas: Float[np.ndarray, " B"], calibration: PlayCalibration | None) -> None:
        self._betas = np.zeros(body.num_betas, np.float32)
        self._betas[: len(betas)] = betas
        self._calibration = calibration
        self._skeleton = WearerSkeleton.of(body, self._betas)
        self._rest = exp_all(rest_pose(pose_prior(body)))
        self._camera_skeleton = CameraSkeleton(body)
        self._face = HeadsetFace(body)
        self._hands = [
            Hand(body, self._betas, self._skeleton, self._rest[rows], left=left)
            for left, rows in ((True, slice(25, 40)), (False, slice(40, 55)))
        ]
        self._arms = [Arm(self._skeleton, left=left) for left in (True, False)]
        self._stance = Stance(self._skeleton)
        self.forget()
        for camera, pose in warming_up(body):
            self.fuse(camera, pose)
        self.forget()

    def forget(self) -> None:
        """Start anew, as after the wearer has gone somewhere else: the next state owes nothing to the last."""
        self._webcam = WebcamBody()
        self._view, self._view_rotation = VectorCrossover(3), RotationCrossover(1)
        self._heading, self._trunk = Heading(), RotationCrossover(4)
        self._arm_crossovers = [RotationCrossover(4), RotationCrossover(4)]
        for hand, arm in zip(self._hands, self._arms, strict=True):
            hand.forget()
            arm.forget()
        self._stance.forget()
        self._face.forget()
        self._known = False
        """Whether anything has told where the head is."""
        self._last_ns: int | None = None

    def fuse(self, camera: BodyState | None, pose: HeadsetPose) -> BodyState:
        """The wearer's body in the play space at `pose.time_ns`.

        Args:
            camera: the webcam's newest state, in camera space; None before anybody was seen.
            pose: what the headset knows at this display time.
        """
        dt = 0.0 if self._last_ns is None else max((pose.time_ns - self._last_ns) * 1e-9, 0.0)
        self._last_ns = pose.time_ns
        camera = fresh(camera, pose.time_ns)
        seen = self._webcam.look(camera)
        readings = [hand.read(pose) for hand in self._hands]
        rotations = self._rest.copy() if seen is None else seen.rotations.copy()
        R_view, eyes, by = self._show_view(seen, pose, dt)
        leaning = self._pose_trunk(rotations, R_view, eyes, readings, seen, dt)
        G, P = self._skeleton.forward(rotations, np.zeros(3))
        transl = eyes - (P[_HEAD] + G[_HEAD] @ self._skeleton.eyes)
        for k in range(2):
            self._pose_arm(k, rotations, readings[k], seen, G[_CHEST], P[_CHEST] + transl, dt)
            rotations[25 + 15 * k : 40 + 15 * k] = self._hands[k].fingers(readings[k], seen, dt)
        self._stance.stand(rotations, transl, _yaw_of_body(rotations[0]), leaning, seen, dt)
        return self._state(rotations, transl, by, seen, camera, pose, dt)

    def recentred(self, T_new_from_old: Float[np.ndarray, "4 4"]) -> None:
        """The play space was recentred: what is remembered moves along.

        Args:
            T_new_from_old: takes points of the old play space to the new one (a turn about y and a shift).
        """
        R = T_new_from_old[:3, :3]
        yaw = float(np.arctan2(R[0, 2], R[2, 2]))
        if self._calibration is not None:
            self._calibration = self._calibration.recentred(T_new_from_old)
        if self._heading.yaw is not None:
            self._heading.yaw += yaw
        self._view.moved(T_new_from_old)
        self._view_rotation.turned(0, R)
        self._trunk.turned(0, R)
        self._stance.moved(T_new_from_old, yaw)

    def _show_view(
        self, seen: SeenBody | None, pose: HeadsetPose, dt: float
    ) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"], int]:
        """Rotation and place of the VIEW space to hang the body from, and where they come from."""
        if pose.T_play_from_head is not None:
            T = pose.T_play_from_head.astype(np.float64)
            R, eyes, by = T[:3, :3], T[:3, 3], _BY_HEADSET
        elif seen is not None and self._calibration is not None:
            R, eyes = self._camera_skeleton.view(seen, self._calibration)
            by = _BY_CAMERA
        elif self._known:
            R, eyes, by = self._view_rotation.shown[0].copy(), self._view.shown.copy(), _BY_HELD
        else:
            R, eyes, by = np.eye(3), np.array([0.0, self._skeleton.eye_height, 0.0]), _BY_HELD
        self._known |= by != _BY_HELD
        return self._view_rotation(by, R[None], dt)[0], self._view(by, eyes, dt), by

    def _pose_trunk(
        self,
        rotations: Float[np.ndarray, "55 3 3"],
        R_view: Float[np.ndarray, "3 3"],
        eyes: Float[np.ndarray, "3"],
        readings: list[HandReading],
        seen: SeenBody | None,
        dt: float,
    ) -> TrunkPose:
        """Writes pelvis, spine, neck and head; the trunk that the head alone would have."""
        R_head = R_view @ _BODY_FROM_VIEW
        left, right = (None if r.wrist is None else r.wrist.position for r in readings)
        yaw = self._heading.follow(R_view, eyes, left, right, dt)
        leaning = leaning_trunk(self._skeleton, R_head, eyes, yaw, self._stance.middle)
        if seen is None:
            trunk = self._trunk(_BY_HEADSET, leaning.rotations, dt)
        else:
            root = self._root_of(seen, yaw, yaw_of(view_heading(R_view)))
            self._heading.yaw = _yaw_of_body(root)
            trunk = self._trunk(_BY_CAMERA, np.concatenate([root[None], seen.rotations[[3, 6, 9]]]), dt)
        rotations[_TRUNK] = hang_from_head(self._skeleton, trunk, R_head, eyes)
        return leaning

    def _root_of(self, seen: SeenBody, yaw: float, head_yaw: float) -> Float[np.ndarray, "3 3"]:
        """The pelvis as the webcam sees it, in the play space; its heading stays within a neck's turn of the head."""
        if self._calibration is None:
            root = seen.rotations[0]
            facing = yaw
        else:
            root = self._calibration.T_play_from_camera[:3, :3] @ seen.rotations[0]
            facing = near_head(_yaw_of_body(root), head_yaw)
        return _turn(facing - _yaw_of_body(root)) @ root

    def _pose_arm(
        self,
        k: int,
        rotations: Float[np.ndarray, "55 3 3"],
        reading: HandReading,
        seen: SeenBody | None,
        chest: Float[np.ndarray, "3 3"],
        at: Float[np.ndarray, "3"],
        dt: float,
    ) -> None:
        """Writes one arm, collar to wrist."""
        joints = self._arms[k].joints
        if reading.wrist is None and seen is None:
            source, target = REST, self._arms[k].hang(rotations[joints], chest, at)
        elif reading.wrist is None:
            source, target = CAMERA, rotations[joints]
        else:
            arm, trust = (None, 0.0) if seen is None else (seen.rotations[joints], seen.confidence)
            source, target = reading.origin, self._arms[k].reach(reading.wrist, chest, at, arm, trust, dt)
        rotations[joints] = self._arm_crossovers[k](source, target, dt)

    def _state(
        self,
        rotations: Float[np.ndarray, "55 3 3"],
        transl: Float[np.ndarray, "3"],
        by: int,
        seen: SeenBody | None,
        camera: BodyState | None,
        pose: HeadsetPose,
        dt: float,
    ) -> BodyState:
        """Everything as SMPL-X parameters, with the face."""
        face = self._face.update(camera, pose, dt)
        left, right = self._hands
        body = {_BY_HEADSET: 1.0, _BY_CAMERA: 0.0 if seen is None else seen.confidence, _BY_HELD: 0.0}[by]
        angles = log_all(rotations).astype(np.float32)
        state = BodyState(
            betas=self._betas,
            global_orient=angles[0],
            transl=transl.astype(np.float32),
            body_pose=angles[1:22],
            left_hand_pose=angles[25:40],
            right_hand_pose=angles[40:55],
            jaw_pose=face.jaw_pose.astype(np.float32),
            leye_pose=face.leye_pose.astype(np.float32),
            reye_pose=face.reye_pose.astype(np.float32),
            expression=face.expression.astype(np.float32),
        )
        source = (_SOURCES[by], left.source, right.source, *self._face.source)
        return replace(
            state,
            time_ns=pose.time_ns,
            confidence=np.array([body, left.confidence, right.confidence, *self._face.confidence], np.float32),
            source=source if camera is None else tuple(map(_beside_camera, source, camera.source)),
        )


def _beside_camera(source: Source, of_camera: Source) -> Source:
    """What comes with the webcam's state may be another program's."""
    return of_camera if source is Source.CAMERA and of_camera is Source.EXTERNAL else source


def _yaw_of_body(root: Float[np.ndarray, "3 3"]) -> float:
    """Heading of a pelvis, whichever way it leans: radians about y from facing +z."""
    return yaw_of(root[[0, 2], 2] - root[1, 2] * root[[0, 2], 1])


def _turn(yaw: float) -> Float[np.ndarray, "3 3"]:
    return exp_all(np.array([[0.0, yaw, 0.0]]))[0]
