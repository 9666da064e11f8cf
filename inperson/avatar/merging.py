"""Merging Gaussians in pairs: what one Gaussian must be to stand for two.

Means and covariances are moment-matched (the mixture's own first two moments, as in Kerbl et al. 2024, "A
Hierarchical 3D Gaussian Representation", section 4.1), weighted by what each Gaussian covers. The opacity is the one
with which the merged Gaussian covers as much of a picture, seen along the surface's normal, as the two did together,
their overlap counted once.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from inperson.avatar.appearance import turned_sh
from inperson.avatar.binding import face_frames, quats_of
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar, PoseResiduals, ReferencePhoto
from inperson.avatar.posing import outward_normals
from inperson.conventions import quat_xyzw_from_wxyz

MOST_OPAQUE = 0.99
"""A merged Gaussian that would have to be denser than this is made larger instead."""
LEAST_SCALE = 1e-4
"""Metres; keeps covariances invertible."""


@dataclass(frozen=True, slots=True)
class CanonicalGaussians:
    """The Gaussians of an avatar in the shaped T-pose, float64, each still tied to its place on the surface."""

    means: Float[np.ndarray, "N 3"]
    covariances: Float[np.ndarray, "N 3 3"]
    normals: Float[np.ndarray, "N 3"]
    """The thinnest axes, outwards."""
    opacities: Float[np.ndarray, " N"]
    sh: Float[np.ndarray, "N K 3"]
    """Directions in the frame of the face."""
    features: Float[np.ndarray, "N F"]
    face_index: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    residual_offsets: Float[np.ndarray, "N R 3"]
    """Per unit of each of R residual coefficients, metres; in the T-pose's axes, as the means are. R may be 0."""
    residual_colors: Float[np.ndarray, "N R 3"]
    photo_places: Float[np.ndarray, "N 2"]
    """As in `ReferencePhoto`; zeros without one."""
    photo_trust: Float[np.ndarray, " N"]

    def __len__(self) -> int:
        return len(self.means)

    def take(self, rows: np.ndarray) -> "CanonicalGaussians":
        """A selection of them, by mask or index."""
        return CanonicalGaussians(*(getattr(self, name)[rows] for name in self.__slots__))

    def and_then(self, other: "CanonicalGaussians") -> "CanonicalGaussians":
        """These, followed by others."""
        return CanonicalGaussians(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.__slots__))


class RestSurface:
    """The shaped T-pose of one avatar's body: takes Gaussians off their faces and binds them again."""

    def __init__(self, avatar: GaussianAvatar, body: BodyModel) -> None:
        self._avatar = avatar
        vertices = body.shaped(avatar.betas).astype(np.float64)
        self._corners: Float[np.ndarray, "F 3 3"] = vertices[body.faces]
        self.frames: Float[np.ndarray, "F 3 3"] = face_frames(vertices, body.faces)

    def _bound_points(self, face: Int[np.ndarray, " N"], barycentric: Float[np.ndarray, "N 3"]) -> np.ndarray:
        return np.einsum("nk,nkc->nc", barycentric, self._corners[face])

    def unbind(self) -> CanonicalGaussians:
        """The avatar's Gaussians where its canonical form says."""
        avatar, face = self._avatar, self._avatar.face_index
        frames = self.frames[face]
        axes = frames @ Rotation.from_quat(quat_xyzw_from_wxyz(avatar.quats)).as_matrix()
        scales = np.maximum(avatar.scales.astype(np.float64), LEAST_SCALE)
        spread = axes * scales[:, None, :]
        bound = self._bound_points(face, avatar.barycentric.astype(np.float64))
        shifts, tints = np.zeros((2, len(face), 0, 3))
        if (residuals := avatar.residuals) is not None:
            shifts = np.einsum("nij,rnj->nri", frames, residuals.offsets)
            tints = np.moveaxis(residuals.colors, 0, 1).astype(np.float64)
        places, trust = np.zeros((len(face), 2)), np.zeros(len(face))
        if (photo := avatar.photo) is not None:
            places, trust = photo.places.astype(np.float64), photo.trust.astype(np.float64)
        return CanonicalGaussians(
            means=bound + np.einsum("nij,nj->ni", frames, avatar.offsets),
            covariances=spread @ np.swapaxes(spread, 1, 2),
            normals=outward_normals(axes, scales, frames[:, :, 2]).astype(np.float64),
            opacities=avatar.opacities.astype(np.float64),
            sh=avatar.sh.astype(np.float64),
            features=avatar.features.astype(np.float64),
            face_index=face,
            barycentric=avatar.barycentric.astype(np.float64),
            residual_offsets=shifts,
            residual_colors=tints,
            photo_places=places,
            photo_trust=trust,
        )

    def bind(self, gaussians: CanonicalGaussians) -> GaussianAvatar:
        """An avatar of these Gaussians; who it is and how it was made are the first avatar's."""
        frames = self.frames[gaussians.face_index]
        inverse = np.swapaxes(frames, 1, 2)
        variances, axes = np.linalg.eigh(gaussians.covariances)
        axes[np.linalg.det(axes) < 0, :, 0] *= -1.0
        bound = self._bound_points(gaussians.face_index, gaussians.barycentric)
        avatar = self._avatar
        return replace(
            avatar,
            face_index=gaussians.face_index.astype(avatar.face_index.dtype),
            barycentric=gaussians.barycentric.astype(np.float32),
            offsets=np.einsum("nij,nj->ni", inverse, gaussians.means - bound).astype(np.float32),
            quats=quats_of(inverse @ axes),
            scales=np.sqrt(np.maximum(variances, LEAST_SCALE**2)).astype(np.float32),
            opacities=gaussians.opacities.astype(np.float32),
            sh=gaussians.sh.astype(np.float32),
            features=gaussians.features.astype(np.float32),
            residuals=None if avatar.residuals is None else self._bind_residuals(avatar.residuals, gaussians),
            photo=None if avatar.photo is None else _bind_photo(avatar.photo, gaussians),
        )

    def _bind_residuals(self, residuals: PoseResiduals, gaussians: CanonicalGaussians) -> PoseResiduals:
        shifts = np.einsum("nij,nri->rnj", self.frames[gaussians.face_index], gaussians.residual_offsets)
        tints = np.moveaxis(gaussians.residual_colors, 1, 0)
        return replace(
            residuals,
            offsets=np.ascontiguousarray(shifts, np.float32),
            colors=np.ascontiguousarray(tints, np.float32),
        )


def _bind_photo(photo: ReferencePhoto, gaussians: CanonicalGaussians) -> ReferencePhoto:
    places, trust = gaussians.photo_places.astype(np.float32), gaussians.photo_trust.astype(np.float32)
    return replace(photo, places=places, trust=trust)


def merge(a: CanonicalGaussians, b: CanonicalGaussians, frames: Float[np.ndarray, "F 3 3"]) -> CanonicalGaussians:
    """One Gaussian for each pair (a[n], b[n]), bound where the one of them that covers more is bound.

    Args:
        a, b: as many of each.
        frames: of the body's faces, in the T-pose.
    """
    normals = _unit(a.normals + b.normals)
    plane = _planes(normals)
    flat_a, flat_b = _flattened(a.covariances, plane), _flattened(b.covariances, plane)
    area_a, area_b = np.sqrt(np.linalg.det(flat_a)), np.sqrt(np.linalg.det(flat_b))
    cover_a, cover_b = a.opacities * area_a, b.opacities * area_b
    share = (cover_a / (cover_a + cover_b))[:, None]

    apart = b.means - a.means
    means = share * a.means + (1.0 - share) * b.means
    both = share[..., None] * a.covariances + (1.0 - share)[..., None] * b.covariances
    both += (share * (1.0 - share))[..., None] * apart[:, :, None] * apart[:, None, :]

    overlap = a.opacities * b.opacities * _overlap(flat_a, flat_b, np.einsum("nij,nj->ni", plane, apart))
    area = np.sqrt(np.linalg.det(_flattened(both, plane)))
    opacities = (cover_a + cover_b - overlap) / area
    larger = np.maximum(opacities / MOST_OPAQUE, 1.0)
    sure_a, sure_b = share[:, 0] * a.photo_trust, (1.0 - share[:, 0]) * b.photo_trust
    seen = (sure_a / np.maximum(sure_a + sure_b, 1e-12))[:, None]

    first = share[:, 0] >= 0.5
    return CanonicalGaussians(
        means=means,
        covariances=_swollen(both, normals, larger),
        normals=normals,
        opacities=np.minimum(opacities, MOST_OPAQUE),
        sh=_mixed_sh(a, b, share, first, frames),
        features=share * a.features + (1.0 - share) * b.features,
        face_index=np.where(first, a.face_index, b.face_index),
        barycentric=np.where(first[:, None], a.barycentric, b.barycentric),
        residual_offsets=share[..., None] * a.residual_offsets + (1.0 - share)[..., None] * b.residual_offsets,
        residual_colors=share[..., None] * a.residual_colors + (1.0 - share)[..., None] * b.residual_colors,
        photo_places=seen * a.photo_places + (1.0 - seen) * b.photo_places,
        photo_trust=sure_a + sure_b,
    )


def _mixed_sh(
    a: CanonicalGaussians,
    b: CanonicalGaussians,
    share: Float[np.ndarray, "N 1"],
    first: np.ndarray,
    frames: Float[np.ndarray, "F 3 3"],
) -> Float[np.ndarray, "N K 3"]:
    """The mean colour in the frame of the face that is kept."""
    kept = frames[np.where(first, a.face_index, b.face_index)]
    turned = [turned_sh(g.sh, np.swapaxes(kept, 1, 2) @ frames[g.face_index]) for g in (a, b)]
    return share[..., None] * turned[0] + (1.0 - share)[..., None] * turned[1]


def covered_areas(
    covariances: Float[np.ndarray, "N 3 3"], normals: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, " N"]:
    """What each covers of a picture when seen along its normal, over 2 pi: the product of the standard deviations
    in the plane across it, square metres. Equal to sqrt(n^T adj(C) n)."""
    a, b, c = covariances[:, 0], covariances[:, 1], covariances[:, 2]
    adjugate = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    return np.sqrt(np.maximum(np.einsum("ni,nij,nj->n", normals, adjugate, normals), 0.0))


def _unit(x: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def _planes(normals: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 2 3"]:
    """Two unit vectors across each normal."""
    least = np.eye(3)[np.abs(normals).argmin(axis=1)]
    u = _unit(np.cross(normals, least))
    return np.stack([u, np.cross(normals, u)], axis=1)


def _flattened(covariances: Float[np.ndarray, "N 3 3"], plane: Float[np.ndarray, "N 2 3"]) -> np.ndarray:
    """(N, 2, 2): what is seen of them along the normals."""
    return plane @ covariances @ np.swapaxes(plane, 1, 2)


def _overlap(
    a: Float[np.ndarray, "N 2 2"], b: Float[np.ndarray, "N 2 2"], apart: Float[np.ndarray, "N 2"]
) -> Float[np.ndarray, " N"]:
    """Integral over the plane of the product of two unnormalised Gaussians, over 2 pi."""
    both = a + b
    det = np.linalg.det(both)
    # the inverse of a symmetric 2x2 matrix, written out
    x, y = apart[:, 0], apart[:, 1]
    squared = (both[:, 1, 1] * x * x - 2.0 * both[:, 0, 1] * x * y + both[:, 0, 0] * y * y) / det
    return np.sqrt(np.linalg.det(a) * np.linalg.det(b) / det) * np.exp(-0.5 * squared)


def _swollen(
    covariances: Float[np.ndarray, "N 3 3"], normals: Float[np.ndarray, "N 3"], area: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "N 3 3"]:
    """Covariances with `area` times the area across the normal and the same thickness along it."""
    along = normals[:, :, None] * normals[:, None, :]
    root = np.sqrt(area)[:, None, None]
    stretch = root * np.eye(3) + (1.0 - root) * along
    return stretch @ covariances @ stretch
