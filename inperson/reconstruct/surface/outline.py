"""Hair and clothes as offsets of the body's surface, so that its outline in the photo is the matte's.

One number per vertex is solved for, metres along the (smoothed) normal of the T-pose, so that what the outline
learns goes around a sleeve or a skull. Vertices on the outline are drawn to the matte's; between them the field is
as smooth as can be: |(s + l^2 Laplacian) h|^2 is least, a thin plate that far from the outline comes to rest at
zero. Correspondences are found anew a few times, as the outline moves.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csc_matrix, diags

from inperson.avatar.body import SKIN, BodyModel
from inperson.reconstruct.stages import DressedSurface, Matte, PhotoFit
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.posing import SurfacePoser, normals_of, turned
from inperson.reconstruct.surface.regions import INDEX, SEGMENTS, Regions
from inperson.reconstruct.surface.rims import RimMoves, rim_moves
from inperson.reconstruct.surface.smoothing import edge_laplacian, symmetric_factor, vertex_areas

ROUNDS = 5
REACH = (0.04, 0.12)
"""How far inwards and outwards the matte's outline is looked for, metres."""
LIMITS: dict[str, tuple[float, float]] = {
    "torso": (-0.025, 0.09),
    "shoulders": (-0.015, 0.030),
    "neck": (-0.008, 0.018),
    "face": (-0.008, 0.010),
    "scalp": (-0.015, 0.075),
    "hand": (-0.004, 0.006),
    "foot": (-0.010, 0.030),
    "limb": (-0.020, 0.080),
}
"""Least and greatest offset of each kind of place, metres: hair beside a neck makes no thick neck."""
SHOULDER_METRES = 0.06
"""How far below the neck the torso's upper end reaches, and over as much it passes into the rest."""
EXCESS_METRES = 0.01
"""An outline that is farther off than the limit by this counts half: something else than the surface makes it."""
REST_METRES = 0.25
"""Distance from the outline at which offsets come to rest: an arm's sleeve says nothing of the hip that it hides."""
BEND = 2e-4
"""Weight of the field's roughness against one rim vertex' square metre."""
HELD = 3e3
"""How much more strongly the face and the hands are held than the rest of the body."""
NORMAL_SMOOTHING = 0.015
"""Metres over which directions of travel are averaged: offsets neither cross in folds nor fan out at ears."""


def match_outline(fit: PhotoFit, matte: Matte) -> DressedSurface:
    """Push the fitted body's surface out to the matte's outline (and in, where it is too large)."""
    body, betas = fit.body, fit.state.betas
    field = _OffsetField.of(body, betas)
    naked = DressedSurface(body, betas, np.zeros((body.num_vertices, 3), np.float32))
    motion = SurfacePoser(naked).pose(fit.state).motion
    directions = turned(motion.quats, field.directions)
    offsets = np.zeros(body.num_vertices)
    for _ in range(ROUNDS):
        vertices = motion.points + offsets[:, None].astype(np.float32) * directions
        picture = draw_mesh(vertices, body.faces, fit.view)
        moves = rim_moves(vertices, directions, body.faces, picture, fit.view, matte.alpha, REACH)
        offsets = field.bent(moves, offsets)
    return DressedSurface(body, betas, (offsets[:, None] * field.directions).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class _OffsetField:
    """The smooth field of offsets on one body in one shape."""

    directions: Float[np.ndarray, "V 3"]
    """Unit, T-pose axes, float32."""
    free: Int[np.ndarray, " N"]
    """Vertices that may move: not eyes, teeth, tongue and linings."""
    limits: Float[np.ndarray, "2 V"]
    """Least and greatest offset."""
    roughness: csc_matrix
    """(N, N): h' R h is the square of s h + l^2 Laplacian h, summed over the surface."""

    @staticmethod
    def of(body: BodyModel, betas: Float[np.ndarray, " B"]) -> "_OffsetField":
        shaped = body.shaped(betas)
        areas, laplacian = vertex_areas(shaped, body.faces), edge_laplacian(shaped, body.faces)
        smooth = symmetric_factor(diags(areas) + NORMAL_SMOOTHING**2 * laplacian).solve(
            areas[:, None] * normals_of(shaped, body.faces)
        )
        smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-9)
        free = np.arange(len(shaped)) if body.vertex_part is None else np.flatnonzero(body.vertex_part == SKIN)
        regions = Regions.of(body, betas)
        operator = csc_matrix(diags(_stiffness(body, regions) * areas) + REST_METRES**2 * laplacian)[free][:, free]
        return _OffsetField(
            smooth.astype(np.float32), free, _limits(regions), operator.T @ diags(1.0 / areas[free]) @ operator
        )

    def bent(self, moves: RimMoves, offsets: Float[np.ndarray, " V"]) -> Float[np.ndarray, " V"]:
        """The smoothest field whose outline has moved as it should."""
        low, high = self.limits[:, moves.vertex]
        wanted = offsets[moves.vertex] + moves.metres
        excess = np.maximum(np.maximum(wanted - high, low - wanted), 0.0)
        sure = moves.sure / (1.0 + (excess / EXCESS_METRES) ** 2)
        weight, pull = np.zeros(len(offsets)), np.zeros(len(offsets))
        weight[moves.vertex] = sure
        pull[moves.vertex] = sure * np.clip(wanted, low, high)
        out = np.zeros(len(offsets))
        out[self.free] = symmetric_factor(diags(weight[self.free]) + BEND * self.roughness).solve(pull[self.free])
        return np.clip(out, *self.limits)


def _limits(regions: Regions) -> Float[np.ndarray, "2 V"]:
    """Blended where segments meet."""
    kind = {"torso": "torso", "neck": "neck", "head": "face", "left_hand": "hand", "right_hand": "hand"}
    kind |= {"left_foot": "foot", "right_foot": "foot"}
    of_segment = np.array([LIMITS[kind.get(segment.name, "limb")] for segment in SEGMENTS])
    out = regions.share @ of_segment
    torso = INDEX["torso"]
    below_neck = regions.along[:, torso] - regions.length[torso]
    shoulders = regions.share[:, torso] * np.clip(1.0 + (below_neck + SHOULDER_METRES) / SHOULDER_METRES, 0.0, 1.0)
    out += shoulders[:, None] * (np.array(LIMITS["shoulders"]) - np.array(LIMITS["torso"]))
    return (out + regions.hair[:, None] * (np.array(LIMITS["scalp"]) - out)).T


def _stiffness(body: BodyModel, regions: Regions) -> Float[np.ndarray, " V"]:
    """How strongly each vertex is held where the body has it; 1 for most."""
    hands = regions.share[:, [INDEX["left_hand"], INDEX["right_hand"]]].sum(axis=1)
    normals = normals_of(body.v_template, body.faces)
    face = regions.share[:, INDEX["head"]] * (1.0 - regions.hair) * np.clip(2.0 * normals[:, 2], 0.0, 1.0)
    return 1.0 + HELD * (hands**2 + face)
