"""What a picture and an avatar's surface tell the tracker: anchors."""

import numpy as np
from jaxtyping import Bool, UInt8

from inperson.reconstruct.create import Created
from inperson.reconstruct.stages import DressedSurface, PhotoFit
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.tracking.anchors import AnchorSet
from inperson.tracking.anchors_choose import SurfaceHits, choose_anchors


def anchors_of(created: Created, image: UInt8[np.ndarray, "H W 3"]) -> AnchorSet:
    """The anchors of a person in the picture that their avatar was made from."""
    return anchors_on(created.surface, created.fit, image, created.matte.inside)


def anchors_on(
    surface: DressedSurface, fit: PhotoFit, image: UInt8[np.ndarray, "H W 3"], inside: Bool[np.ndarray, "H W"]
) -> AnchorSet:
    """The anchors of a dressed body in a picture.

    Args:
        surface: the person.
        fit: as they stand in the picture.
        image: the picture.
        inside: where they are in it.
    """
    picture = draw_mesh(posed_vertices(surface, fit.state), fit.body.faces, fit.view)
    rows, columns = np.nonzero((picture.face_index >= 0) & inside)
    k, depth = fit.view.intrinsics, picture.depth[rows, columns].astype(np.float64)
    points = np.stack([(columns + 0.5 - k.cx) / k.fx * depth, -(rows + 0.5 - k.cy) / k.fy * depth, -depth], axis=1)
    hits = SurfaceHits(points, picture.face_index[rows, columns], picture.barycentric[rows, columns])
    return choose_anchors(fit.body, fit.state, image, inside, hits, fit.observation)
