"""MediaPipe's own tasks: the plain twins that the landmarkers here have to agree with.

Only tests and benchmarks run them. They load MediaPipe's graphs, which the landmarkers do without.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from mediapipe.tasks.python import vision

from inperson.tracking.landmarkers_body import BodyLandmarks
from inperson.tracking.landmarkers_clock import FrameClock
from inperson.tracking.landmarkers_tasks import model_options, task_image

Image = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True, slots=True)
class ReferenceFaceResult:
    """What the face task says."""

    mesh: Float[np.ndarray, "478 3"]
    """Image pixels, relative depth in pixels."""
    blendshapes: Float[np.ndarray, "52"]
    transformation: Float[np.ndarray, "4 4"]
    """Head to a camera with 63 degrees of vertical view, centimetres, OpenGL axes."""


class ReferenceBody:
    """MediaPipe's `PoseLandmarker` in VIDEO mode, following one person."""

    def __init__(self, bundle: Path) -> None:
        options = vision.PoseLandmarkerOptions(
            base_options=model_options(bundle), running_mode=vision.RunningMode.VIDEO
        )
        self._task = vision.PoseLandmarker.create_from_options(options)
        self._clock = FrameClock()

    def detect(self, image: Image, time_ns: int) -> BodyLandmarks | None:
        """The person's landmarks; None when nobody is in view."""
        result = self._task.detect_for_video(task_image(image), self._clock.stamp_ms(time_ns))
        if not result.pose_landmarks:
            return None
        (flat,), (world,) = result.pose_landmarks, result.pose_world_landmarks
        return BodyLandmarks(
            np.array([[p.x, p.y] for p in flat]) * (image.shape[1], image.shape[0]),
            np.array([[p.x, p.y, p.z] for p in world]),
            np.array([p.visibility for p in flat]),
        )

    def close(self) -> None:
        """Free the task."""
        self._task.close()


class ReferenceFace:
    """MediaPipe's `FaceLandmarker` in VIDEO mode, with blendshapes and transformation."""

    def __init__(self, bundle: Path) -> None:
        options = vision.FaceLandmarkerOptions(
            base_options=model_options(bundle),
            running_mode=vision.RunningMode.VIDEO,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        self._task = vision.FaceLandmarker.create_from_options(options)
        self._clock = FrameClock()

    def detect(self, image: Image, time_ns: int) -> ReferenceFaceResult | None:
        """The face of a picture, None if none is seen."""
        result = self._task.detect_for_video(task_image(image), self._clock.stamp_ms(time_ns))
        if not result.face_landmarks:
            return None
        height, width = image.shape[:2]
        return ReferenceFaceResult(
            np.array([[p.x, p.y, p.z] for p in result.face_landmarks[0]]) * (width, height, width),
            np.array([shape.score for shape in result.face_blendshapes[0]]),
            np.asarray(result.facial_transformation_matrixes[0], np.float64),
        )

    def close(self) -> None:
        """Free the task."""
        self._task.close()
