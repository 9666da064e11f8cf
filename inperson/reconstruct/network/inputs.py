"""What the network sees of one photo: the person's crop, and everything known on the uv map. Numpy to torch."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float

from inperson.errors import BadInputError
from inperson.reconstruct.network.encoder import CROP
from inperson.reconstruct.network.interface import TEXEL_CHANNELS, NetInputs
from inperson.reconstruct.stages import DressedSurface, Matte, MeshPicture, PhotoFit
from inperson.reconstruct.surface.atlas import UvAtlas, texel_sites
from inperson.reconstruct.surface.filling import fill_colors
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import SurfacePoser, dressed_rest, normals_of
from inperson.reconstruct.surface.seeing import see

MARGIN = 0.06
"""Room around the person in the crop, as a share of the person's longer side."""
DECIMETRES = 10.0
FARTHEST = 4.0
"""Of `where`: what falls further from the crop's middle, or behind the camera, is hidden in any case."""


@dataclass(frozen=True, slots=True)
class CropBox:
    """A square of a picture, in whole pixels; it may reach beyond the picture."""

    left: int
    top: int
    side: int

    @staticmethod
    def around(matte: Matte) -> "CropBox":
        """The person with some room, the person's middle in the middle.

        Raises:
            BadInputError: the matte shows nobody.
        """
        rows, columns = np.flatnonzero(matte.inside.any(axis=1)), np.flatnonzero(matte.inside.any(axis=0))
        if not len(rows):
            raise BadInputError("nobody is left in the photo's cut-out", "use a photo that shows the person clearly")
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        side = int(np.ceil((1.0 + 2.0 * MARGIN) * max(bottom - top, right - left)))
        return CropBox(int((left + right - side) // 2), int((top + bottom - side) // 2), side)

    def cut(self, picture: Float[np.ndarray, "H W C"]) -> Float[np.ndarray, "side side C"]:
        """The square, 0 beyond the picture."""
        height, width = picture.shape[:2]
        out = np.zeros((self.side, self.side, *picture.shape[2:]), picture.dtype)
        top, left = max(self.top, 0), max(self.left, 0)
        bottom = max(min(self.top + self.side, height), top)
        right = max(min(self.left + self.side, width), left)
        inside = np.s_[top - self.top : bottom - self.top, left - self.left : right - self.left]
        out[inside] = picture[top:bottom, left:right]
        return out

    def normalised(self, pixels: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
        """Pixels of the picture as `grid_sample` wants them: -1 to 1 from edge to edge of the square."""
        return 2.0 * (pixels - [self.left, self.top]) / self.side - 1.0


def make_inputs(
    fit: PhotoFit,
    matte: Matte,
    surface: DressedSurface,
    atlas: UvAtlas,
    picture: MeshPicture | None = None,
) -> NetInputs:
    """A batch of one. The same in training and in use.

    Args:
        fit: the body in the photo.
        matte: the person cut out of the photo.
        surface: the body dressed to the photo's outline.
        atlas: of the size that the network is for.
        picture: `draw_mesh` of the posed surface at the photo's size, where it is at hand.

    Raises:
        BadInputError: the matte shows nobody.
    """
    box = CropBox.around(matte)
    posed = SurfacePoser(surface).pose(fit.state)
    if picture is None:
        picture = draw_mesh(posed.vertices, surface.body.faces, fit.view)
    sites = texel_sites(atlas, surface)
    seen = see(sites, surface, fit, picture, matte)
    rest, faces = dressed_rest(surface), surface.body.faces
    pelvis = surface.body.J_regressor[0] @ surface.body.shaped(surface.betas)

    at = lambda field: at_places(field, faces, sites.face_index, sites.barycentric)  # noqa: E731
    normals = _unit(at(normals_of(rest, faces)))
    eye_from_world = fit.view.T_world_from_eye[:3, :3].T
    confidence = seen.confidence[:, None]
    values = {
        "seen_r": confidence * seen.color,
        "confidence": confidence,
        "filled_r": fill_colors(sites, seen, surface),
        "x": at(rest) - pelvis,
        "normal_x": normals,
        "view_normal_x": _unit(at(posed.normals)) @ eye_from_world.T,
        "displacement": DECIMETRES * (sites.base_offsets * normals).sum(axis=1, keepdims=True),
        "inside": np.ones((len(sites), 1)),
    }
    size = atlas.size
    texels = np.zeros((len(TEXEL_CHANNELS), size, size), np.float32)
    for first, value in values.items():
        channel = TEXEL_CHANNELS.index(first)
        texels[channel : channel + value.shape[1], atlas.inside] = value.T
    where = np.zeros((size, size, 2), np.float32)
    where[atlas.inside] = np.clip(box.normalised(seen.pixels), -FARTHEST, FARTHEST)
    return NetInputs(
        crop=torch.from_numpy(person_crop(matte, box))[None],
        texels=torch.from_numpy(texels)[None],
        where=torch.from_numpy(where)[None],
    )


def person_crop(matte: Matte, box: CropBox) -> Float[np.ndarray, "4 256 256"]:
    """Premultiplied colours and alpha of the box, each pixel the mean of what falls on it."""
    alpha = box.cut(matte.alpha[..., None])
    layer = np.concatenate([box.cut(matte.foreground) * alpha, alpha], axis=2, dtype=np.float32)
    way = cv2.INTER_AREA if box.side > CROP else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(layer, (CROP, CROP), interpolation=way).transpose(2, 0, 1))


def _unit(x: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
