"""`RimFinder`: the edge of a known, dressed person as posed, drawn to the outline that a segmenter sees.

The body is drawn small; every pixel of its edge is a place of its surface, seen against what is behind the person.
Where the person's mask ends near by, and runs alike, the place is asked to lie on that line (Zhang 1994's closest
points, as lines, so that they slide). Heads (hair moves) and hands (fingers have landmarks, and hold things) are not
asked.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numba import njit

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import BadInputError
from inperson.tracking.fit.landmarks import JOINT
from inperson.tracking.fit.problem import NUM_JOINTS, Rims, Skeleton, no_rims
from inperson.tracking.fit.skeleton import forward_joints
from inperson.tracking.fit.so3 import log_all
from inperson.tracking.residuals import project
from inperson.tracking.rims_draw import draw_vertices

LONGEST_SIDE = 320
"""The body is drawn, and the mask looked at, no larger than this."""
SIGMA = 0.010
"""Standard deviation of the outline, share of the person's size: the mask's own pixel, and clothes that swing."""
INDEPENDENT = 100
"""As how many independent places all rims count: neighbours err alike."""
MOST = 180
"""Rims at most, evenly thinned."""
FAR = 0.15
"""Distance from the outline, share of the person's size, beyond which it is not this edge's."""
ALIGNED = 0.5
"""Cosine between the body's outward normal and the mask's below which they are not the same edge."""
STEEP = 0.3
"""Length of the distance's gradient below which the outline has no direction (in the middle of a thin part)."""
_BORDER = 3
"""Pixels from the picture's border within which an edge is the border's."""
_BEYOND = 24
"""Pixels by which a mask goes on over the picture's border, as the person may."""
_BLUR = 1.0
_MOST_ON_HANDS, _MOST_ON_HEAD = 0.3, 0.5
"""Shares of the skinning weights from which a place is the hand's, or the head's."""
_HANDS = (JOINT["left_wrist"], JOINT["right_wrist"], *range(JOINT["left_index1"], JOINT["right_thumb3"] + 1))
_HEAD = (JOINT["neck"], JOINT["head"], JOINT["jaw"], JOINT["left_eye"], JOINT["right_eye"])
_CARRIERS = 4
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Signed distance to the edge of a mask, positive outside, in pixels of the mask."""

    distance: Float[np.ndarray, "H W"]
    gradient: Float[np.ndarray, "2 H W"]
    """By x and by y; about 1 long."""

    @staticmethod
    def of(inside: Bool[np.ndarray, "H W"]) -> "Outline":
        """Of a mask, which goes on over the picture's border as it is there."""
        wide = cv2.copyMakeBorder(inside.astype(np.uint8), *(_BEYOND,) * 4, cv2.BORDER_REPLICATE)
        outside, within = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (1 - wide, wide))
        signed = cv2.GaussianBlur(outside - within + (wide - np.float32(0.5)), (0, 0), _BLUR)
        gradient = np.stack([cv2.Sobel(signed, cv2.CV_32F, *axis, ksize=1, scale=0.5) for axis in ((1, 0), (0, 1))])
        kept = slice(_BEYOND, -_BEYOND), slice(_BEYOND, -_BEYOND)
        return Outline(signed[kept], gradient[:, *kept])


class RimFinder:
    """Finds the rims of one person. Keeps scratch memory: one per thread.

    Args:
        body, betas: the person.
        clothes: what hair and clothes add to the shaped T-pose's vertices, metres.
        skeleton: the person's, with all betas.

    Raises:
        BadInputError: the clothes were made for another body.
    """

    def __init__(
        self, body: BodyModel, betas: Float[np.ndarray, " B"], clothes: Float[np.ndarray, "V 3"], skeleton: Skeleton
    ) -> None:
        if clothes.shape != (body.num_vertices, 3):
            raise BadInputError(
                f"clothes of {len(clothes)} vertices do not fit body '{body.name}', which has {body.num_vertices}",
                "track with the body they were made for",
            )
        self._poser, self._skeleton = BodyPoser(body, betas), skeleton
        self._faces = np.ascontiguousarray(body.faces, np.int64)
        self._clothes = np.ascontiguousarray(clothes, np.float64)
        weights = body.weights.astype(np.float64)
        self._asked = (weights[:, _HANDS].sum(axis=1) < _MOST_ON_HANDS) & (
            weights[:, _HEAD].sum(axis=1) < _MOST_ON_HEAD
        )
        self._carrier = np.argsort(-weights, axis=1, kind="stable")[:, :_CARRIERS].astype(np.int64)
        weight = np.take_along_axis(weights, self._carrier, axis=1)
        self._weight = weight / weight.sum(axis=1, keepdims=True)
        self._rest = BodyState.rest(body.num_betas, body.num_expression, 0)

    def outline(self, silhouette: UInt8[np.ndarray, "h w"], intrinsics: Intrinsics) -> Outline:
        """The outline of a mask that covers a camera's whole picture, at the size rims are found in."""
        camera, _ = _small(intrinsics)
        size = (camera.width, camera.height)
        shrinks = silhouette.shape[1] > camera.width
        mask = cv2.resize(silhouette, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        return Outline.of(mask > 127)

    def find(
        self,
        outline: Outline,
        rotations: Float[np.ndarray, "55 3 3"],
        transl: Float[np.ndarray, "3"],
        intrinsics: Intrinsics,
        person_pixels: float,
    ) -> Rims:
        """The rims of a pose that is nearly right.

        Args:
            outline: as `outline` gives it for this camera.
            rotations, transl: the pose, in the camera's space.
            intrinsics: the camera.
            person_pixels: the person's size in its picture.
        """
        camera, scale = _small(intrinsics)
        vertices = self.vertices(rotations, transl)
        vertex, inverse_depth = draw_vertices(
            project(vertices, camera), -vertices[:, 2], self._faces, camera.width, camera.height
        )
        rows, columns = _edge(vertex >= 0)
        asked = self._asked[vertex[rows, columns]]
        rows, columns = rows[asked], columns[asked]
        drawn = Outline.of(vertex >= 0)
        away = (outline.distance - drawn.distance)[rows, columns].astype(np.float64)
        normal = outline.gradient[:, rows, columns].T.astype(np.float64)
        steep = np.linalg.norm(normal, axis=1)
        normal /= np.maximum(steep, 1e-6)[:, None]
        own = drawn.gradient[:, rows, columns].T
        alike = (normal * own).sum(axis=1) > ALIGNED * np.linalg.norm(own, axis=1)
        kept = np.flatnonzero((np.abs(away) < FAR * scale * person_pixels) & alike & (steep > STEEP))
        kept = kept[:: max(1, -(-len(kept) // MOST))]
        if not len(kept):
            return no_rims()
        rows, columns, away, normal = rows[kept], columns[kept], away[kept], normal[kept]
        pixels = np.stack([columns, rows], axis=1) + 0.5
        points = _unprojected(pixels, 1.0 / inverse_depth[rows, columns], camera)
        G, P = np.empty((NUM_JOINTS, 3, 3)), np.empty((NUM_JOINTS, 3))
        forward_joints(self._skeleton, rotations, transl, G, P)
        carrier = self._carrier[vertex[rows, columns]]
        return Rims(
            carrier,
            self._weight[vertex[rows, columns]],
            np.einsum("nkba,nkb->nka", G[carrier], points[:, None] - P[carrier]),
            (pixels - away[:, None] * normal) / scale,
            normal,
            np.full(len(kept), min(1.0, np.sqrt(INDEPENDENT / len(kept))) / (SIGMA * person_pixels)),
        )

    def vertices(
        self, rotations: Float[np.ndarray, "55 3 3"], transl: Float[np.ndarray, "3"]
    ) -> Float[np.ndarray, "V 3"]:
        """The dressed surface of a pose, world, metres: clothes turn with the joints that carry them."""
        state = replace(self._rest.with_full_pose(log_all(rotations)), transl=transl.astype(np.float32))
        posed = self._poser.pose(state)
        out = posed.vertices.astype(np.float64)
        _dress(self._carrier, self._weight, posed.T_posed_from_rest, self._clothes, out)
        return out


def _small(k: Intrinsics) -> tuple[Intrinsics, float]:
    """The same camera for the picture in which rims are found, and that picture's size relative to the camera's."""
    scale = min(1.0, LONGEST_SIDE / max(k.width, k.height))
    width, height = round(k.width * scale), round(k.height * scale)
    return Intrinsics(k.fx * scale, k.fy * scale, k.cx * scale, k.cy * scale, width, height), scale


def _edge(covered: Bool[np.ndarray, "H W"]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels with an empty neighbour, away from the picture's border."""
    inner = cv2.erode(covered.astype(np.uint8), _CROSS, borderType=cv2.BORDER_REPLICATE)
    edge = covered & (inner == 0)
    edge[:_BORDER] = edge[-_BORDER:] = False
    edge[:, :_BORDER] = edge[:, -_BORDER:] = False
    rows, columns = np.nonzero(edge)
    return rows, columns


def _unprojected(
    pixels: Float[np.ndarray, "N 2"], depth: Float[np.ndarray, " N"], k: Intrinsics
) -> Float[np.ndarray, "N 3"]:
    x, y = (pixels - (k.cx, k.cy)).T / np.array([[k.fx], [k.fy]])
    return np.stack([x * depth, -y * depth, -depth], axis=1)


@njit(cache=True, nogil=True)
def _dress(carrier, weight, transforms, clothes, vertices):
    """Adds each vertex' clothes, turned as its carriers turn it."""
    for v in range(len(vertices)):
        for i in range(carrier.shape[1]):
            w, k = weight[v, i], carrier[v, i]
            if w == 0.0:
                continue
            for a in range(3):
                for b in range(3):
                    vertices[v, a] += w * transforms[k, a, b] * clothes[v, b]
