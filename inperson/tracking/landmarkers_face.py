"""The face landmarker, looking at the head the body landmarks point to.

MediaPipe's face detector finds no face of somebody a few steps away; on a piece of the picture around the
head it finds it at any distance. The piece stays put while the head stays in it, so that the landmarker's own
following from frame to frame works.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from mediapipe.tasks.python import vision

from inperson.conventions import T_GL_FROM_CV, Intrinsics
from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_hand_search import body_size
from inperson.tracking.landmarkers_tasks import TaskClock, model_options, task_image
from inperson.tracking.observation import FaceObservation

Image = UInt8[np.ndarray, "H W 3"]
Body = Float[np.ndarray, "33 2"]

_HEAD, _EARS, _NOSE = slice(0, 11), (7, 8), 0
_MESH_NOSE = 1
_SQUARE_HEADS = 3.0
"""Side of the square, in head widths."""
_MAY_DRIFT = 0.12
_MAY_GROW = 1.25
_SMALL_PIXELS, _LARGE_PIXELS = 256, 512
_CANONICAL_FOV = np.deg2rad(63.0)
"""Vertical field of view of the camera that MediaPipe's facial transformation assumes."""
_NOSE_SIGMA = 0.25


@dataclass(frozen=True, slots=True)
class HeadSquare:
    """The upright square around the head that the landmarker sees, and at how many pixels a side."""

    square: RotatedSquare
    pixels: int


class FaceLandmarker:
    """MediaPipe's face mesh with blendshapes, on a square around the head."""

    def __init__(self, bundle: Path) -> None:
        options = vision.FaceLandmarkerOptions(
            base_options=model_options(bundle),
            running_mode=vision.RunningMode.VIDEO,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        self._task = vision.FaceLandmarker.create_from_options(options)
        self._clock = TaskClock()
        self._head: HeadSquare | None = None

    def detect(self, image: Image, intrinsics: Intrinsics, time_ns: int, body: Body | None) -> FaceObservation | None:
        """The face, None if none is seen.

        Args:
            body: the body's landmarks, of this frame or the last; without them the whole picture's middle square
                is looked at.
        """
        self._head = next_head_square(self._head, body, image)
        square, pixels = self._head.square, self._head.pixels
        result = self._task.detect_for_video(task_image(square.cut(image, pixels)), self._clock.stamp_ms(time_ns))
        if not result.face_landmarks:
            return None
        mesh = np.array([[p.x, p.y, p.z] for p in result.face_landmarks[0]])
        scores = np.array([shape.score for shape in result.face_blendshapes[0]])
        on_image = square.to_image(mesh[:, :2])
        T = head_in_camera(result.facial_transformation_matrixes[0], square, intrinsics)
        return FaceObservation(on_image, mesh[:, 2] * square.size, scores, T, face_confidence(on_image, body))

    def forget(self) -> None:
        """Start afresh (another clip, another person)."""
        self._head = None

    def close(self) -> None:
        """Free the network."""
        self._task.close()


def next_head_square(last: HeadSquare | None, body: Body | None, image: Image) -> HeadSquare:
    """The last square while the head is well inside it, else a new one around the head."""
    if body is None:
        height, width = image.shape[:2]
        whole = RotatedSquare(np.array([0.5 * width, 0.5 * height]), float(max(height, width)))
        return last or HeadSquare(whole, _LARGE_PIXELS)
    head = body[_HEAD]
    ears = np.linalg.norm(head[_EARS[0]] - head[_EARS[1]])
    size = _SQUARE_HEADS * max(1.3 * float(ears), 0.45 * body_size(body))
    center = head.mean(axis=0)
    if last is not None:
        drift = np.linalg.norm(center - last.square.center) / last.square.size
        if drift < _MAY_DRIFT and 1 / _MAY_GROW < size / last.square.size < _MAY_GROW:
            return last
    return HeadSquare(RotatedSquare(center, size), _LARGE_PIXELS if size > 1.5 * _SMALL_PIXELS else _SMALL_PIXELS)


def head_in_camera(
    matrix: Float[np.ndarray, "4 4"], square: RotatedSquare, intrinsics: Intrinsics
) -> Float[np.ndarray, "4 4"]:
    """`T_cv_from_head` in the real camera, metres, from MediaPipe's for an imagined camera looking at the square.

    MediaPipe solves the head's pose (centimetres, OpenGL axes) for a camera of 63 degrees that sees just the
    square. The same picture of the head arises in the real camera when the head lies on the ray through the same
    pixel, at a distance scaled by the ratio of the focal lengths, turned by the angle between that ray and the
    imagined camera's axis.
    """
    T = T_GL_FROM_CV @ np.asarray(matrix, np.float64)
    focal = 0.5 * square.size / np.tan(0.5 * _CANONICAL_FOV)
    t = T[:3, 3] * 0.01
    u, v = square.center + focal * t[:2] / t[2]
    depth = t[2] * 0.5 * (intrinsics.fx + intrinsics.fy) / focal
    ray = _ray(intrinsics, square.center)
    out = np.eye(4)
    out[:3, :3] = _turn_onto(ray) @ T[:3, :3]
    out[:3, 3] = depth * np.array([(u - intrinsics.cx) / intrinsics.fx, (v - intrinsics.cy) / intrinsics.fy, 1.0])
    return out


def face_confidence(mesh: Float[np.ndarray, "478 2"], body: Body | None) -> float:
    """How well the face agrees with the body on where the nose is, 0..1 (MediaPipe reports no score for a face)."""
    if body is None:
        return 1.0
    width = float(np.ptp(mesh[:, 0]))
    off = np.linalg.norm(mesh[_MESH_NOSE] - body[_NOSE]) / max(width, 1.0)
    return float(np.exp(-0.5 * (off / _NOSE_SIGMA) ** 2))


def _ray(intrinsics: Intrinsics, pixel: Float[np.ndarray, "2"]) -> Float[np.ndarray, "3"]:
    ray = np.array([(pixel[0] - intrinsics.cx) / intrinsics.fx, (pixel[1] - intrinsics.cy) / intrinsics.fy, 1.0])
    return ray / np.linalg.norm(ray)


def _turn_onto(ray: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that takes +z to `ray` (Rodrigues' formula; `ray` is in front of the camera)."""
    x, y, z = ray
    k = 1.0 / (1.0 + z)
    return np.array([[1 - k * x * x, -k * x * y, x], [-k * x * y, 1 - k * y * y, y], [-x, -y, z]])
