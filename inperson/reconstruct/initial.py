"""From a dressed person to the Gaussians that fitting starts from."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.binding import SurfaceBinding, quats_of
from inperson.avatar.state import BodyState
from inperson.reconstruct.attaching import attach
from inperson.reconstruct.canonical import CanonicalGaussians, float_tensor
from inperson.reconstruct.person_surface import PersonSurface
from inperson.reconstruct.sampling import DISC_RADIUS, DISC_THICKNESS, sample_surface
from inperson.synthetic.dressing import DressedPerson

START_OPACITY = 0.9
PROBED_EXPRESSION = 0.7


def probe_states(person: DressedPerson, states: Sequence[BodyState]) -> list[BodyState]:
    """The given states and every expression alone: teeth that never part from the tongue in any state of the
    session must still not ride on it, or they fly out with it one day."""
    alone = PROBED_EXPRESSION * np.eye(person.body.num_expression, dtype=np.float32)
    return [*states, *(replace(person.rest(), expression=row) for row in alone)]


def initial_gaussians(
    surface: PersonSurface,
    seen: Float[np.ndarray, " T"],
    probes: list[BodyState],
    count: int,
    rng: np.random.Generator,
) -> CanonicalGaussians:
    """Discs lying on the person's surfaces, coloured by the textures, riding on the body.

    Args:
        surface: the person.
        seen: importance of each triangle (`seen_pixels`).
        probes: states in which body parts move apart and faces act, to tell what rides on what.
        count: number of Gaussians.
    """
    person = surface.person
    samples = sample_surface(surface, seen, count, rng)
    corners = surface.triangles[samples.triangle]

    def at_samples(values: Float[np.ndarray, "R C"]) -> Float[np.ndarray, "N C"]:
        return np.einsum("nk,nkc->nc", samples.barycentric, values[corners])

    probe_points = np.stack([at_samples(surface.vertices(person.posed(state))) for state in probes])
    attachment = attach(person.body, person.betas, samples.points, at_samples(surface.weights), probes, probe_points)
    frames = _frames_around(samples.normals, rng)
    radius = DISC_RADIUS * samples.spacing
    scales = np.stack([radius, radius, DISC_THICKNESS * radius], axis=1)
    binding = SurfaceBinding(person.body, person.betas, attachment.face_index, attachment.barycentric)
    logit = float(np.log(START_OPACITY / (1 - START_OPACITY)))
    return CanonicalGaussians(
        face_index=attachment.face_index,
        barycentric=attachment.barycentric,
        base_offsets=float_tensor(samples.points - binding.rest_points),
        spacing=float_tensor(samples.spacing),
        shift=torch.zeros(count, 3, requires_grad=True),
        quats=float_tensor(quats_of(frames)).requires_grad_(True),
        log_scales=float_tensor(np.log(scales)).requires_grad_(True),
        logits=torch.full((count,), logit, requires_grad=True),
        colors=float_tensor(samples.colors).requires_grad_(True),
        features=torch.zeros(count, 0),
    )


def _frames_around(normals: Float[np.ndarray, "N 3"], rng: np.random.Generator) -> Float[np.ndarray, "N 3 3"]:
    """Rotations whose third column is the normal, turned about it at random."""
    least = np.eye(3)[np.abs(normals).argmin(axis=1)]
    x = np.cross(least, normals)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    turned = Rotation.from_rotvec(normals * rng.uniform(0, np.pi, (len(normals), 1))).apply(x)
    return np.stack([turned, np.cross(normals, turned), normals], axis=2)
