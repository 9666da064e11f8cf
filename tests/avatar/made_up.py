"""Random avatars with everything an avatar may have."""

import numpy as np

from inperson.avatar.gaussians import GaussianAvatar, PersonalShader, PoseResiduals, ReferencePhoto
from inperson.avatar.residuals import NUM_POSE_FEATURES


def made_up_avatar(
    n: int = 200,
    k: int = 1,
    seed: int = 0,
    *,
    num_faces: int = 500,
    body_name: str = "neutral",
    body_sha256: str = "ab" * 32,
    residuals: PoseResiduals | None = None,
    reference: np.ndarray | None = None,
    photo: ReferencePhoto | None = None,
    personal: PersonalShader | None = None,
) -> GaussianAvatar:
    """`n` Gaussians anywhere on the faces of a body, `k` colour coefficients each."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(n, 4))
    return GaussianAvatar(
        face_index=rng.integers(0, num_faces, n).astype(np.int32),
        barycentric=rng.dirichlet([1.0, 1.0, 1.0], n).astype(np.float32),
        offsets=rng.normal(scale=0.02, size=(n, 3)).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        scales=np.exp(rng.uniform(np.log(2e-4), np.log(0.02), (n, 3))).astype(np.float32),
        opacities=rng.uniform(0, 1, n).astype(np.float32),
        sh=rng.normal(scale=0.5, size=(n, k, 3)).astype(np.float32),
        features=rng.normal(size=(n, 2)).astype(np.float32),
        betas=rng.normal(size=10).astype(np.float32),
        body_name=body_name,
        body_sha256=body_sha256,
        name="tester",
        provenance={"licence": "CC0-1.0", "consent": "synthetic person", "tool": "a test"},
        residuals=residuals,
        reference=reference,
        photo=photo,
        personal=personal,
    )


def made_up_personal(count: int = 500, seed: int = 0) -> PersonalShader:
    """Small numbers for weights that nobody has."""
    values = np.random.default_rng(seed).normal(scale=0.05, size=count).astype(np.float32)
    return PersonalShader(weights_sha256="0f" * 32, values=values)


def made_up_photo(n: int = 200, width: int = 40, height: int = 60, seed: int = 0) -> ReferencePhoto:
    """Noise, seen anywhere by about half of the Gaussians."""
    rng = np.random.default_rng(seed)
    return ReferencePhoto(
        image=rng.integers(0, 256, (height, width, 4), np.uint8),
        places=rng.uniform(0, 1, (n, 2)).astype(np.float32),
        trust=np.maximum(rng.uniform(-1, 1, n), 0).astype(np.float32),
    )


def made_up_residuals(n: int = 200, components: int = 4, num_expression: int = 52, seed: int = 0) -> PoseResiduals:
    """Millimetres and a few hundredths of colour, of a few components."""
    rng = np.random.default_rng(seed)
    count = NUM_POSE_FEATURES + num_expression
    return PoseResiduals(
        weights=rng.normal(scale=0.3, size=(components, count)).astype(np.float32),
        mean=rng.normal(scale=0.1, size=count).astype(np.float32),
        low=rng.uniform(-2.0, -0.5, components).astype(np.float32),
        high=rng.uniform(0.5, 2.0, components).astype(np.float32),
        offsets=rng.normal(scale=2e-3, size=(components, n, 3)).astype(np.float32),
        colors=rng.normal(scale=0.03, size=(components, n, 3)).astype(np.float32),
    )
