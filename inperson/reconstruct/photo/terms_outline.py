"""The person's outline as evidence: where the drawn body's edge should lie in the matte.

The edge of the body as it is drawn now gives points of its surface; each is asked to lie on the matte's outline, by
the signed distance there and its gradient (so the match slides along the outline freely). What sticks out of the
matte is surely wrong; what lies inside it may be clothes or hair, so that is asked for gently, linearly beyond a
little, and not at all under hair.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter, map_coordinates

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.reconstruct.photo.differentiable_body import CarriedPoints, DifferentiableBody, FitPose, Frames
from inperson.reconstruct.photo.equations import Rows
from inperson.reconstruct.photo.terms_pixels import projected
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.render.views import EyeView

_MOST_POINTS = 420
_BLUR = (17, 17)
"""Pixels; four standard deviations to each side."""
_BORDER = 3
"""Pixels from the picture's border within which an edge is the border's."""
_BEYOND = 96
"""Pixels by which the matte is continued over the picture's border, where the person may go on."""
_SMOOTH = 1.0
_ALIGNED = 0.4
"""Cosine between the body's outward normal and the matte's below which they are not the same edge."""
_FAR = 0.22
"""Distance beyond which an edge is not matched, as a share of the person's size."""
_OUTSIDE_SIGMA, _INSIDE_SIGMA = 0.008, 0.03
"""Of the distance from the outline, as shares of the person's size."""
_OUTSIDE_HUBER, _INSIDE_HUBER = 3.0, 2.0
_CLOTHES = 0.004
"""Metres that clothes stand off the body: the edge is asked to lie that far inside."""
_INDEPENDENT_OUTSIDE, _INDEPENDENT_INSIDE = 150.0, 60.0
"""As how many independent points the edge counts: neighbours err alike, and clothes stand off all over."""
_EXACT, _DRESSED, _HAIRY = 0, 1, 2
"""Kinds of surface: bare skin always; usually dressed; under hair."""
_SKIN_SAY = 3.0
"""How much more an edge of bare skin counts."""
_FIRST_FINGER = 25
_PIXEL_CENTRE = 0.5
"""The outermost pixels' centres lie this far inside the edge."""


@dataclass(frozen=True, slots=True, eq=False)
class MatteField:
    """Signed distance to the matte's outline, positive outside, pixels; continued over the picture's border."""

    distance: Float[np.ndarray, "H W"]
    """With a margin of `_BEYOND` on every side."""
    gradient: Float[np.ndarray, "2 H W"]
    """By x and by y."""

    @staticmethod
    def of(inside: Bool[np.ndarray, "h w"]) -> "MatteField":
        """Of a mask."""
        wide = np.pad(inside.astype(np.uint8), _BEYOND, mode="edge")
        distance = cv2.distanceTransform(1 - wide, cv2.DIST_L2, 5) - cv2.distanceTransform(wide, cv2.DIST_L2, 5)
        distance = gaussian_filter(distance + np.where(wide > 0, 0.5, -0.5).astype(np.float32), _SMOOTH)
        by_y, by_x = np.gradient(distance)
        return MatteField(distance, np.stack([by_x, by_y]))

    def at(self, pixels: Float[np.ndarray, "N 2"]) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "N 2"]]:
        """Distance and its gradient."""
        where = (pixels[:, ::-1] - 0.5 + _BEYOND).T

        def read(field: np.ndarray) -> np.ndarray:
            return map_coordinates(field, where, order=1, mode="nearest").astype(np.float64)

        return read(self.distance), np.stack([read(self.gradient[0]), read(self.gradient[1])], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The outline of the body as drawn: N places on its surface."""

    face: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    pixels: Float[np.ndarray, "N 2"]
    normal: Float[np.ndarray, "N 2"]
    """Outwards in the picture, unit length."""


def drawn_edge(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], view: EyeView, most: int = _MOST_POINTS
) -> Edge:
    """The outline of a mesh in a view, holes included, evenly thinned to at most `most` points."""
    picture = draw_mesh(vertices, faces, view)
    covered = (picture.face_index >= 0).astype(np.uint8)
    height, width = covered.shape
    lines, _ = cv2.findContours(covered, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate([np.zeros((0, 2), np.int64), *(line[:, 0] for line in lines)])
    x, y = points.T
    inner = (x >= _BORDER) & (y >= _BORDER) & (x < width - _BORDER) & (y < height - _BORDER)
    points = points[inner]
    points = points[:: max(1, -(-len(points) // most))]
    x, y = points.T
    blurred = cv2.GaussianBlur(covered.astype(np.float32), _BLUR, 2.0, borderType=cv2.BORDER_REFLECT)
    by_y, by_x = np.gradient(blurred)
    normal = -np.stack([by_x[y, x], by_y[y, x]], axis=1).astype(np.float64)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    on_body = picture.face_index[y, x] >= 0
    return Edge(
        picture.face_index[y, x][on_body].astype(np.int64),
        picture.barycentric[y, x][on_body].astype(np.float64),
        points[on_body] + 0.5,
        normal[on_body],
    )


@dataclass(frozen=True, slots=True, eq=False)
class OutlineTerm:
    """Edge points and how they are held to the matte."""

    body: DifferentiableBody
    points: CarriedPoints
    field: MatteField
    view: EyeView
    inv_sigma_outside: float
    inv_sigma_inside: Float[np.ndarray, " N"]
    """Per pixel; 0 under hair."""
    gap: Float[np.ndarray, " N"]
    """How far inside the outline is quite right, pixels."""

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        X = self.body.place(frames, self.points)
        pixels, by_point = projected(X, self.view.intrinsics)
        distance, gradient = self.field.at(pixels)
        distance = distance + _PIXEL_CENTRE + self.gap
        inv_sigma = np.where(distance > 0.0, self.inv_sigma_outside, self.inv_sigma_inside)
        huber = np.where(distance > 0.0, _OUTSIDE_HUBER, _INSIDE_HUBER)
        if not want_jacobian:
            return Rows(distance * inv_sigma, huber)
        across = np.einsum("n,np,npx->nx", inv_sigma, gradient, by_point)
        J = self.body.jacobian_along(frames, self.points, across[:, None])
        return Rows(distance * inv_sigma, huber, J[:, 0])


def outline_term(
    body: DifferentiableBody,
    edge: Edge,
    field: MatteField,
    view: EyeView,
    size: float,
    depth: float,
    correctives: Float[np.ndarray, "V 3"],
    kinds: Int[np.ndarray, " V"],
) -> OutlineTerm:
    """Evidence of the present edge.

    Args:
        edge: of the body as it stands now.
        field: of the matte, at the view's resolution.
        view: the camera.
        size: of the person, pixels.
        depth: of the person, metres.
        correctives: what the present pose adds to the T-pose mesh, metres.
        kinds: `surface_kinds` of the body.
    """
    distance, gradient = field.at(edge.pixels)
    aligned = (edge.normal * gradient).sum(axis=1) > _ALIGNED
    kept = (distance > 0.0) | (aligned & (distance > -_FAR * size))
    face = edge.face[kept]
    kind = kinds[body.body.faces[face, 0]]
    n = max(len(face), 1)
    outside = min(1.0, np.sqrt(_INDEPENDENT_OUTSIDE / n)) / (_OUTSIDE_SIGMA * size)
    inside = min(1.0, np.sqrt(_INDEPENDENT_INSIDE / n)) / (_INSIDE_SIGMA * size)
    gap = np.where(kind == _DRESSED, _CLOTHES * view.intrinsics.fx / depth, 0.0)
    return OutlineTerm(
        body,
        body.surface_points(face, edge.barycentric[kept], correctives),
        field,
        view,
        outside,
        inside * np.select([kind == _HAIRY, kind == _EXACT], [0.0, _SKIN_SAY], 1.0),
        gap,
    )


def surface_kinds(body: BodyModel) -> Int[np.ndarray, " V"]:
    """What usually covers each vertex: nothing (hands), clothes, hair (head and neck)."""
    owner = np.array(JOINT_NAMES)[body.weights.argmax(axis=1)]
    hands = np.char.endswith(owner, "wrist") | np.isin(owner, JOINT_NAMES[_FIRST_FINGER:])
    head = np.isin(owner, ["neck", "head", "jaw", "left_eye", "right_eye"])
    return np.select([head, hands], [_HAIRY, _EXACT], _DRESSED)
