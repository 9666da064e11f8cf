"""Face and eyes under a headset: what its own sensors say, else what a webcam still sees below it, else rest.

A headset hides brows, eyes and cheeks, and a face landmarker then invents them; of the mouth it still reads how far
it is open and where the jaw is, while puckers and funnels do not survive (tested with a box painted over the eyes).
"""

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import BodyModel
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import PARTS, BodyState, Source
from inperson.tracking.face_retarget import FacePose
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.headset_crossover import RotationCrossover, VectorCrossover

_FACE, _EYES = PARTS.index("face"), PARTS.index("eyes")
_HIDDEN_PREFIXES = ("brow", "eye", "cheek", "nose")
_UNREADABLE = ("mouthPucker", "mouthFunnel")
_APPEARS, _DISAPPEARS = 0.45, 0.25
"""Confidence from which a webcam's face counts, and below which it no longer does."""
_UNDER_HEADSET = 0.5
"""Of a webcam's confidence in a face of which only the mouth is visible."""
_GAZE_YAW, _GAZE_UP, _GAZE_DOWN = 0.60, 0.45, 0.55
"""Radians an eye turns to either side, up and down."""
_JAW_OPEN, _JAW_SIDE = 0.45, 0.15
"""Radians of the jaw joint at a coefficient of 1, on bodies whose expressions have no names."""
_REST, _CAMERA, _HEADSET = 0, 1, 2
_SOURCES = (Source.HELD, Source.CAMERA, Source.HEADSET)


class HeadsetFace:
    """Keeps one wearer's face without jumps."""

    def __init__(self, body: BodyModel) -> None:
        names = body.expr_names or ()
        self._count = body.num_expression
        self._index = {name: k for k, name in enumerate(names)}
        self._survives = np.array([_survives(name) for name in names] or [True] * self._count)
        """Which coefficients a webcam still reads below a headset. Unnamed ones stay at rest in any case."""
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._expression = VectorCrossover(self._count)
        self._jaw = RotationCrossover(1)
        self._eyes = RotationCrossover(2)
        self._camera = {_FACE: False, _EYES: False}
        self.confidence = (0.0, 0.0)
        """Of face and eyes, as of the last update."""
        self.source = (Source.HELD, Source.HELD)

    def update(self, camera: BodyState | None, pose: HeadsetPose, dt: float) -> FacePose:
        """The face `dt` seconds after the last update.

        Args:
            camera: the webcam's state, or None.
            pose: what the headset knows. With a head in it, it is worn, and the upper face hidden.
        """
        worn = pose.T_play_from_head is not None
        face_seen, eyes_seen = self._seen(camera, _FACE), self._seen(camera, _EYES)
        expression, jaw, sources = self._face(camera if face_seen else None, pose.face, worn)
        eyes, eyes_source = _eyes(camera if eyes_seen and not worn else None, pose)
        part = int(sources.max(initial=_REST))
        shown_jaw = self._jaw(part, exp_all(jaw[None]), dt)
        leye, reye = log_all(self._eyes(eyes_source, exp_all(eyes), dt))
        self._note(camera, part, eyes_source, worn)
        return FacePose(self._expression(sources, expression, dt), log_all(shown_jaw)[0], leye, reye)

    def _face(
        self, camera: BodyState | None, coefficients: dict[str, float] | None, worn: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Expression, jaw and the source of each coefficient."""
        expression, jaw = np.zeros(self._count), np.zeros(3)
        if coefficients is not None:
            known = {name: min(max(v, 0.0), 1.0) for name, v in coefficients.items() if np.isfinite(v)}
            for name in known.keys() & self._index.keys():
                expression[self._index[name]] = known[name]
            if not self._index:
                jaw = _jaw_from(known)
            return expression, jaw, np.full(self._count, _HEADSET)
        if camera is None:
            return expression, jaw, np.full(self._count, _REST)
        followed = self._survives | (not worn)
        shown = min(len(camera.expression), self._count)
        expression[:shown] = np.where(followed[:shown], camera.expression[:shown], 0.0)
        return expression, camera.jaw_pose.astype(np.float64), np.where(followed, _CAMERA, _REST)

    def _seen(self, camera: BodyState | None, part: int) -> bool:
        threshold = _DISAPPEARS if self._camera[part] else _APPEARS
        self._camera[part] = camera is not None and bool(camera.confidence[part] > threshold)
        return self._camera[part]

    def _note(self, camera: BodyState | None, face: int, eyes: int, worn: bool) -> None:
        seen = np.zeros(len(PARTS)) if camera is None else camera.confidence
        face_trust = float(seen[_FACE]) * (_UNDER_HEADSET if worn else 1.0)
        self.confidence = (
            {_REST: 0.0, _CAMERA: face_trust, _HEADSET: 1.0}[face],
            {_REST: 0.0, _CAMERA: float(seen[_EYES]), _HEADSET: 1.0}[eyes],
        )
        self.source = (_SOURCES[face], _SOURCES[eyes])


def gaze_angles(
    T_play_from_head: Float[np.ndarray, "4 4"], T_play_from_gaze: Float[np.ndarray, "4 4"]
) -> Float[np.ndarray, "3"]:
    """Axis-angle of an eye that looks along the gaze's -z, held to what eyes can do.

    +x turns the eye down, +y to the person's left (SMPL-X's head faces +z, so VIEW's x is its right).
    """
    x, y, z = T_play_from_head[:3, :3].T @ -T_play_from_gaze[:3, 2]
    yaw = np.clip(np.arctan2(-x, -z), -_GAZE_YAW, _GAZE_YAW)
    down = np.clip(np.arctan2(-y, np.hypot(x, z)), -_GAZE_UP, _GAZE_DOWN)
    return log_all((_turn_y(yaw) @ _turn_x(down))[None])[0]


def _turn_x(angle: float) -> Float[np.ndarray, "3 3"]:
    return exp_all(np.array([[angle, 0.0, 0.0]]))[0]


def _turn_y(angle: float) -> Float[np.ndarray, "3 3"]:
    return exp_all(np.array([[0.0, angle, 0.0]]))[0]


def _eyes(camera: BodyState | None, pose: HeadsetPose) -> tuple[Float[np.ndarray, "2 3"], int]:
    """Axis-angle of the left and the right eye, and where it comes from."""
    if pose.T_play_from_head is not None and pose.T_play_from_gaze is not None:
        return np.tile(gaze_angles(pose.T_play_from_head, pose.T_play_from_gaze), (2, 1)), _HEADSET
    if camera is not None:
        return np.stack([camera.leye_pose, camera.reye_pose]).astype(np.float64), _CAMERA
    return np.zeros((2, 3)), _REST


def _jaw_from(coefficients: dict[str, float]) -> Float[np.ndarray, "3"]:
    side = coefficients.get("jawLeft", 0.0) - coefficients.get("jawRight", 0.0)
    return np.array([_JAW_OPEN * coefficients.get("jawOpen", 0.0), _JAW_SIDE * side, 0.0])


def _survives(name: str) -> bool:
    return not name.startswith(_HIDDEN_PREFIXES) and name not in _UNREADABLE
