"""A bare person before a webcam, and pictures painted on the body whose every colour is known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.reconstruct.stages import DressedSurface, Matte, MeshPicture, PhotoFit
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.render.views import EyeView
from inperson.tracking.observation import Observation

WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True, eq=False)
class Scene:
    """A fit and what is seen of a surface in it."""

    fit: PhotoFit
    surface: DressedSurface
    vertices: np.ndarray
    picture: MeshPicture

    @staticmethod
    def of(fit: PhotoFit, displacement: np.ndarray | None = None) -> "Scene":
        if displacement is None:
            displacement = np.zeros((fit.body.num_vertices, 3), np.float32)
        surface = DressedSurface(fit.body, fit.state.betas, displacement)
        vertices = posed_vertices(surface, fit.state)
        return Scene(fit, surface, vertices, draw_mesh(vertices, fit.body.faces, fit.view))

    def painted(self, vertex_colors: np.ndarray) -> Matte:
        """The matte of a photo of this surface in unshaded colours."""
        p = self.picture
        colors = np.einsum("hwk,hwkc->hwc", p.barycentric, vertex_colors[self.fit.body.faces[p.face_index]])
        return matte_of(p.face_index >= 0, colors)


def matte_of(mask: np.ndarray, colors: np.ndarray | None = None) -> Matte:
    """A hard matte; grey where no colours are given."""
    colors = np.full((*mask.shape, 3), 0.5) if colors is None else colors
    return Matte(mask.astype(np.float32), np.where(mask[..., None], colors, 0.5).astype(np.float32))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum() / (a | b).sum())


def with_joint(state: BodyState, name: str, rotation: tuple[float, float, float]) -> BodyState:
    """The state with one joint turned."""
    pose = state.full_pose.copy()
    pose[JOINT_NAMES.index(name)] = rotation
    return state.with_full_pose(pose)


@pytest.fixture(scope="session")
def body() -> BodyModel:
    return load_body("neutral")


@pytest.fixture(scope="session")
def fit(body: BodyModel) -> PhotoFit:
    """Standing at ease, 1.6 m before the camera, head to hips in the picture."""
    view = EyeView.from_intrinsics(Intrinsics.from_horizontal_fov(WIDTH, HEIGHT))
    state = BodyState.rest(body.num_betas, body.num_expression)
    state = with_joint(with_joint(state, "left_shoulder", (0, 0, -1.0)), "right_shoulder", (0, 0, 1.0))
    state = replace(state, transl=np.array([0.0, 0.1, -1.6], np.float32))
    nothing = Observation(0, 0, view.intrinsics, None, None, None, None, None, None)
    return PhotoFit(body, state, view, nothing)


@pytest.fixture(scope="session")
def scene(fit: PhotoFit) -> Scene:
    return Scene.of(fit)
