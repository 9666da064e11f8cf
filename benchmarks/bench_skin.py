"""Posing: a 50,000-Gaussian avatar and the body's mesh against the `smplx` package's forward, in turns."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import smplx
import torch

from benchmarks import BenchReport, side_by_side
from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.paths import assets_dir
from inperson.workers import available_cores

NUM_GAUSSIANS = 50_000
BODY = "neutral"


def run() -> BenchReport:
    """`ours_vs_smplx`: how many times faster all Gaussians of an avatar are posed than smplx poses the mesh.

    The same body, shape and moving pose with expression for everyone; smplx gets the live settings (float32,
    no gradients, one body, as many coefficients as the body has). smplx gets one thread: it waits for memory, a
    second one gains it 5%, and torch's idle threads would spin on the core that ours need next.
    """
    torch.set_num_threads(1)
    body = load_body(BODY)
    rng = np.random.default_rng(0)
    betas = rng.normal(size=body.num_betas).astype(np.float32)
    states = [_talking_state(body, phase) for phase in np.linspace(0, 2 * np.pi, 32, endpoint=False)]
    avatar_poser = AvatarPoser(_avatar(body, betas, rng), body, threads=available_cores())
    body_poser = BodyPoser(body, betas)
    model = smplx.SMPLX(
        str(assets_dir() / "body" / f"{BODY}.npz"),
        ext="npz",
        use_pca=False,
        flat_hand_mean=True,
        num_betas=body.num_betas,
        num_expression_coeffs=body.num_expression,
    )
    inputs = [_smplx_input(state, betas) for state in states]

    def smplx_forward(given: dict[str, torch.Tensor]) -> object:
        with torch.no_grad():
            return model(**given)

    return side_by_side(
        "skin",
        {
            "ours": _in_turn(avatar_poser.pose, states),
            "ours_mesh": _in_turn(body_poser.pose, states),
            "smplx": _in_turn(smplx_forward, inputs),
        },
        compare=[("ours", "smplx"), ("ours_mesh", "smplx")],
        seconds=6.0,
    )


def _in_turn(function: Callable, arguments: list) -> Callable[[], object]:
    """Calls `function` with the next of the arguments each time."""
    calls = 0

    def call() -> object:
        nonlocal calls
        calls += 1
        return function(arguments[calls % len(arguments)])

    return call


def _avatar(body: BodyModel, betas: np.ndarray, rng: np.random.Generator) -> GaussianAvatar:
    """Gaussians all over the body, a little off its surface, stored face by face as fitted avatars are."""
    n = NUM_GAUSSIANS
    quats = rng.normal(size=(n, 4))
    return GaussianAvatar(
        face_index=np.sort(rng.integers(0, len(body.faces), n)).astype(np.int32),
        barycentric=rng.dirichlet((1, 1, 1), n).astype(np.float32),
        offsets=rng.normal(0, 0.005, (n, 3)).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        scales=rng.uniform(0.002, 0.008, (n, 3)).astype(np.float32),
        opacities=rng.uniform(0, 1, n).astype(np.float32),
        sh=rng.uniform(0, 1, (n, 1, 3)).astype(np.float32),
        features=np.zeros((n, 0), np.float32),
        betas=betas,
        body_name=body.name,
        body_sha256=body.sha256,
        name="benchmark",
        provenance={},
    )


def _talking_state(body: BodyModel, phase: float) -> BodyState:
    """Every joint of the upper body, hands and face in motion."""
    swing = np.sin(phase + np.arange(55 * 3)).reshape(55, 3).astype(np.float32)
    expression = (0.5 + 0.5 * np.sin(phase + np.arange(body.num_expression))).astype(np.float32)
    rest = BodyState.rest(body.num_betas, body.num_expression)
    return replace(rest, expression=expression).with_full_pose(0.3 * swing)


def _smplx_input(state: BodyState, betas: np.ndarray) -> dict[str, torch.Tensor]:
    fields = ("global_orient", "transl", "body_pose", "left_hand_pose", "right_hand_pose")
    fields += ("jaw_pose", "leye_pose", "reye_pose", "expression")
    given = {name: torch.from_numpy(np.ascontiguousarray(getattr(state, name)).reshape(1, -1)) for name in fields}
    return {**given, "betas": torch.from_numpy(betas)[None]}


if __name__ == "__main__":
    print(run())
