"""The face landmarker, looking at the head the body landmarks point to.

What MediaPipe's `FaceLandmarker` does, without its graph around the networks;
`landmarkers_reference.ReferenceFace` is the task itself. The detector finds no face of somebody a few steps away; in
a piece of the picture around the head it finds it at any distance. The piece stays put while the head stays in it,
because the head's pose is solved for a camera that sees just this piece.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from inperson.conventions import T_GL_FROM_CV, Intrinsics
from inperson.tracking.crops import RotatedSquare
from inperson.tracking.landmarkers_clock import FrameClock
from inperson.tracking.landmarkers_detector import whole_picture
from inperson.tracking.landmarkers_face_geometry import CANONICAL_FOV, CanonicalFace
from inperson.tracking.landmarkers_face_network import FaceDetector, FaceNetwork, square_around_face
from inperson.tracking.landmarkers_hand_search import body_size
from inperson.tracking.landmarkers_smoothing import IN_PICTURE, LandmarkFilter, extent
from inperson.tracking.observation import FaceObservation

Image = UInt8[np.ndarray, "H W 3"]
Body = Float[np.ndarray, "33 2"]

_HEAD, _EARS, _NOSE = slice(0, 11), (7, 8), 0
_MESH_NOSE = 1
_SQUARE_HEADS = 3.0
"""Side of the square, in head widths."""
_MAY_DRIFT = 0.12
_MAY_GROW = 1.25
_LEAST_PRESENCE = 0.5
_NOSE_SIGMA = 0.25


class FaceLandmarker:
    """MediaPipe's face mesh with blendshapes and the head's pose, in a square around the head."""

    def __init__(self, bundle: Path) -> None:
        self._detector = FaceDetector(bundle)
        self._network = FaceNetwork(bundle)
        self._canonical = CanonicalFace.load(bundle)
        self._clock = FrameClock()
        self._smooth = LandmarkFilter(IN_PICTURE)
        self._head: RotatedSquare | None = None
        self._around: RotatedSquare | None = None

    def detect(self, image: Image, intrinsics: Intrinsics, time_ns: int, body: Body | None) -> FaceObservation | None:
        """The face, None if none is seen.

        Args:
            body: the body's landmarks, of this frame or the last; without them the whole picture's middle square
                is looked at.
        """
        dt = self._clock.step_s(time_ns)
        self._head = next_head_square(self._head, body, image)
        if self._around is None or not _inside(self._head, self._around):
            self._lose()
            self._around = self._detector.find(image, self._head)
        if self._around is None:
            return None
        guess = self._network.look(image, self._around)
        if guess.presence < _LEAST_PRESENCE:
            self._lose()
            return None
        self._around = square_around_face(guess.mesh)
        mesh = self._smooth(guess.mesh, dt, extent(guess.mesh))
        scores = self._network.expression(mesh)
        in_square = np.column_stack([self._head.from_image(mesh[:, :2]), mesh[:, 2] / self._head.size])
        T = head_in_camera(self._canonical.transformation(in_square), self._head, intrinsics)
        return FaceObservation(mesh[:, :2], mesh[:, 2], scores, T, face_confidence(mesh[:, :2], body))

    def forget(self) -> None:
        """Start afresh (another clip, another person)."""
        self._head = None
        self._lose()

    def _lose(self) -> None:
        self._around = None
        self._smooth.reset()


def next_head_square(last: RotatedSquare | None, body: Body | None, image: Image) -> RotatedSquare:
    """The last square while the head is well inside it, else a new one around the head."""
    if body is None:
        return last or whole_picture(image)
    head = body[_HEAD]
    ears = np.linalg.norm(head[_EARS[0]] - head[_EARS[1]])
    size = _SQUARE_HEADS * max(1.3 * float(ears), 0.45 * body_size(body))
    center = head.mean(axis=0)
    if last is not None:
        drift = np.linalg.norm(center - last.center) / last.size
        if drift < _MAY_DRIFT and 1 / _MAY_GROW < size / last.size < _MAY_GROW:
            return last
    return RotatedSquare(center, size)


def _inside(head: RotatedSquare, face: RotatedSquare) -> bool:
    """Whether a face that was followed is still that of the head: it may have slipped over to a neighbour's."""
    return bool((np.abs(face.center - head.center) < 0.5 * head.size).all())


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
    focal = 0.5 * square.size / np.tan(0.5 * CANONICAL_FOV)
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
