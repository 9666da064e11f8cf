"""The stages of `inperson avatar create --fast` on the shipped performer's first frame, when everything is loaded.

`STAGE_vs_create_fast` says how many times a stage fits into all of them; `jacobian_along_vs_jacobian` is the fit's
derivatives against the plain way, for as many pixels as the face mesh has.
"""

import av
import numpy as np

from benchmarks import BenchReport, side_by_side
from inperson.avatar.body import load_body
from inperson.paths import assets_dir
from inperson.reconstruct.create import CreateSettings, create_from_fit
from inperson.reconstruct.network.inputs import make_inputs
from inperson.reconstruct.network.weights import load_network
from inperson.reconstruct.photo.differentiable_body import DifferentiableBody, FitPose
from inperson.reconstruct.photo.fitting import fit_landmarks, fit_outline
from inperson.reconstruct.photo.matte import Matter
from inperson.reconstruct.photo.person import find_person
from inperson.reconstruct.stages import Photo
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.outline import match_outline
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.reconstruct.surface.sites import lay_sites, seen_share
from inperson.tracking.fit.so3 import exp_all

FACE_POINTS = 478


def run(seconds: float = 40.0) -> BenchReport:
    """Times the stages in turns."""
    with av.open(str(assets_dir() / "performer" / "performer.mp4")) as clip:
        picture = next(clip.decode(video=0)).to_ndarray(format="rgb24")
    photo, body, matter = Photo(picture, "performer", "", None), load_body("neutral"), Matter()
    observation = find_person(photo)
    matte = matter.cut_out(picture, observation)
    pose = fit_landmarks(body, observation)
    fit = fit_outline(pose, matte)
    surface, network = match_outline(fit, matte), load_network(None)
    atlas = UvAtlas.of(body, network.config.size)
    vertices = posed_vertices(surface, fit.state)
    drawn = draw_mesh(vertices, body.faces, fit.view)
    share = seen_share(drawn, vertices, body.faces, fit.view.intrinsics.fx)
    settings = CreateSettings(fast=True)

    def create_fast() -> object:
        """All of it but finding the person and cutting them out, which the command does beside the rest."""
        return create_from_fit(fit_outline(fit_landmarks(body, observation), matte), matte, settings)

    stages = {
        "find_person": lambda: find_person(photo),
        "cut_out": lambda: matter.cut_out(picture, observation),
        "fit_landmarks": lambda: fit_landmarks(body, observation),
        "fit_outline": lambda: fit_outline(pose, matte),
        "match_outline": lambda: match_outline(fit, matte),
        "lay_sites": lambda: lay_sites(surface, share),
        "make_inputs": lambda: make_inputs(fit, matte, surface, atlas, drawn),
    }
    flexible = DifferentiableBody(body, np.ones(55, np.bool_))
    rng = np.random.default_rng(0)
    points = flexible.surface_points(
        rng.integers(0, len(body.faces), FACE_POINTS), rng.dirichlet(np.ones(3), FACE_POINTS)
    )
    across = rng.normal(size=(FACE_POINTS, 2, 3))
    coefficients = np.zeros(flexible.num_coefficients)
    frames = flexible.frames(FitPose(exp_all(0.3 * rng.normal(size=(55, 3))), np.zeros(3), coefficients))
    return side_by_side(
        "create",
        {
            **stages,
            "create_fast": create_fast,
            "jacobian_along": lambda: flexible.jacobian_along(frames, points, across),
            "jacobian": lambda: across @ flexible.jacobian(frames, points),
        },
        compare=[*((stage, "create_fast") for stage in stages), ("jacobian_along", "jacobian")],
        seconds=seconds,
    )
