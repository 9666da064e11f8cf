"""A tiny avatar, and a rasteriser that draws every Gaussian as one pixel."""

from collections.abc import Sequence

import numpy as np

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.render.gbuffer import ColorBuffer, GBuffer
from inperson.render.views import EyeView


def tiny_avatar(body: BodyModel, name: str = "tiny", color: float = 1.0) -> GaussianAvatar:
    """A Gaussian on every 5th face: enough to see where somebody is."""
    face_index = np.arange(0, len(body.faces), 5)
    n = len(face_index)
    return GaussianAvatar(
        face_index=face_index,
        barycentric=np.full((n, 3), 1 / 3, np.float32),
        offsets=np.zeros((n, 3), np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        scales=np.full((n, 3), 0.01, np.float32),
        opacities=np.ones(n, np.float32),
        sh=np.full((n, 1, 3), (color - 0.5) / 0.28209479, np.float32),
        features=np.zeros((n, 0), np.float32),
        betas=np.zeros(body.num_betas, np.float32),
        body_name=body.name,
        body_sha256=body.sha256,
        name=name,
        provenance={"made_by": "a test"},
    )


class PointRasterizer:
    """Colour and alpha of Gaussian centres; no depth, normals or features."""

    name = "points"

    def __init__(self) -> None:
        self.closed = False
        self.views: list[Sequence[EyeView]] = []

    def render(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> GBuffer:
        self.views.append(views)
        height, width = views[0].height, views[0].width
        rgb = np.zeros((len(views), height, width, 3), np.float32)
        alpha = np.zeros((len(views), height, width), np.float32)
        for v, view in enumerate(views):
            p = gaussians.means @ view.T_cv_from_world[:3, :3].T + view.T_cv_from_world[:3, 3]
            K = view.intrinsics
            x = np.floor(K.fx * p[:, 0] / p[:, 2] + K.cx).astype(int)
            y = np.floor(K.fy * p[:, 1] / p[:, 2] + K.cy).astype(int)
            inside = (p[:, 2] > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
            rgb[v, y[inside], x[inside]] = gaussians.colors[inside]
            alpha[v, y[inside], x[inside]] = 1.0
        return GBuffer(rgb, alpha, np.zeros_like(alpha), np.zeros_like(rgb), rgb[..., :0])

    def render_color(self, gaussians: PosedGaussians, views: Sequence[EyeView]) -> ColorBuffer:
        drawn = self.render(gaussians, views)
        planes = np.concatenate([drawn.rgb, drawn.depth[..., None], drawn.alpha[..., None]], axis=-1)
        return ColorBuffer(np.moveaxis(planes, -1, 1))

    def close(self) -> None:
        self.closed = True
