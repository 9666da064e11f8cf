"""What one photo says: terms made of its landmarks and its matte, for the shape and pose that a fit has reached."""

import cv2
import numpy as np

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.conventions import Intrinsics
from inperson.reconstruct.photo.differentiable_body import CarriedPoints, DifferentiableBody, FitPose
from inperson.reconstruct.photo.equations import Term
from inperson.reconstruct.photo.start import LandmarkFit, Start
from inperson.reconstruct.photo.terms_outline import MatteField, OutlineTerm, drawn_edge, outline_term, surface_kinds
from inperson.reconstruct.photo.terms_pixels import PixelTerm
from inperson.reconstruct.photo.terms_pose import DirectionTerm, PosePriorTerm
from inperson.reconstruct.photo.terms_shape import BoneTerm
from inperson.reconstruct.stages import Matte
from inperson.render.views import EyeView
from inperson.tracking.fit.observe import person_pixels
from inperson.tracking.fit.problem import TemporalPrior
from inperson.tracking.fit.rows import HUBER_PIXELS
from inperson.tracking.observation import Observation

_FACE_SIGMA, _FACE_HUBER = 0.06, 2.0
"""Of the face mesh's landmarks, as a share of the face's width (neighbours err alike: 477 count as far fewer)."""
_IRIS = 468
"""From here on the face mesh's landmarks are the irises'."""
_OUTLINE_PIXELS = 720
"""Longer side of the picture that outlines are compared in; larger ones are reduced."""


class LandmarkEvidence:
    """Landmarks of body, hands and face."""

    def __init__(self, body: DifferentiableBody, landmarks: LandmarkFit, start: Start) -> None:
        self._body, self._landmarks, self._start = body, landmarks, start
        skeleton = landmarks.skeleton
        dirs = np.zeros((len(skeleton.points), 3, body.num_coefficients))
        dirs[..., : body.num_betas] = skeleton.point_dirs
        self._points = CarriedPoints(skeleton.points, dirs, np.eye(len(skeleton.joints))[skeleton.point_joint])
        self._on_face = _face_places(body.body)
        self._face = None if self._on_face is None else body.surface_points(*_places(body.body, self._on_face))

    def terms(self, pose: FitPose, near: TemporalPrior) -> list[Term]:
        """Terms whose lengths and trunk are those of the pose's shape; `near` is a pose to stay near."""
        start, body = self._start, self._body
        observation = start.observation
        betas = pose.coefficients[: body.num_betas]
        problem = self._landmarks.problem(observation, betas, start.moving, near)
        seen = problem.reprojections
        out: list[Term] = [
            DirectionTerm(body, self._points, problem.directions),
            PosePriorTerm(body, problem),
            PixelTerm(
                body,
                self._points.subset(seen.point),
                seen.pixel,
                seen.inv_sigma,
                HUBER_PIXELS,
                observation.intrinsics,
            ),
            BoneTerm(body, self._points, observation),
        ]
        if observation.face is not None and self._face is not None and self._on_face is not None:
            pixels = observation.face.pixels[self._on_face]
            sigma = _FACE_SIGMA * float(np.ptp(observation.face.pixels[:, 0]))
            inv_sigma = np.full(len(pixels), 1.0 / sigma)
            inv_sigma[self._on_face >= _IRIS] *= 3.0
            out.append(PixelTerm(body, self._face, pixels, inv_sigma, _FACE_HUBER, observation.intrinsics))
        return out


class OutlineEvidence:
    """The matte's outline, compared at a moderate size."""

    def __init__(self, body: DifferentiableBody, observation: Observation, matte: Matte) -> None:
        self._body = body
        height, width = matte.alpha.shape
        scale = min(1.0, _OUTLINE_PIXELS / max(height, width))
        alpha = cv2.resize(matte.alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._view = EyeView.from_intrinsics(_scaled(observation.intrinsics, alpha.shape[1], alpha.shape[0]))
        self._field = MatteField.of(alpha > 0.5)
        self._size = person_pixels(observation) * scale
        self._kinds = surface_kinds(body.body)

    def term(self, pose: FitPose) -> OutlineTerm:
        """The edge of the body as it is posed now."""
        body = self._body
        state = body.state(pose)
        poser = BodyPoser(body.body, state.betas)
        vertices = poser.pose(state).vertices
        correctives = poser.unposed_vertices(state) - poser.shaped_vertices - body.body.exprdirs @ state.expression
        edge = drawn_edge(vertices, body.body.faces, self._view)
        depth = float(-vertices[:, 2].mean())
        return outline_term(body, edge, self._field, self._view, self._size, depth, correctives, self._kinds)


def _face_places(body: BodyModel) -> np.ndarray | None:
    """Landmarks of the face mesh that the body has a place for."""
    return None if body.mediapipe_faces is None else np.nonzero(body.mediapipe_faces >= 0)[0]


def _places(body: BodyModel, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    assert body.mediapipe_faces is not None
    assert body.mediapipe_barycentric is not None
    return body.mediapipe_faces[landmarks], body.mediapipe_barycentric[landmarks]


def _scaled(k: Intrinsics, width: int, height: int) -> Intrinsics:
    x, y = width / k.width, height / k.height
    return Intrinsics(k.fx * x, k.fy * y, k.cx * x, k.cy * y, width, height)
