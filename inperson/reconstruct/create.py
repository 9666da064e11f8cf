"""One photo to an avatar: the stages in order, each told to whoever watches.

Photo -> person, matte, fit (`photo/`) -> dressed surface, sites, what is seen (`surface/`) -> the network's
Gaussians (`network/`), or the plain completion's -> polish against the photo -> scores.
"""

import datetime
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Float

from inperson.avatar.body import load_body
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.provenance import Provenance, this_tool
from inperson.reconstruct.canonical import CPU, CanonicalGaussians
from inperson.reconstruct.create_scores import InputScores, score_input_view
from inperson.reconstruct.network.apply import gaussians_from, settled
from inperson.reconstruct.network.inputs import make_inputs
from inperson.reconstruct.network.weights import load_network, read_header, shipped_network
from inperson.reconstruct.photo.fitting import fit_landmarks, fit_outline
from inperson.reconstruct.polish import PolishSettings, polish
from inperson.reconstruct.polish_target import PolishTarget, polish_target
from inperson.reconstruct.reference_photo import reference_photo
from inperson.reconstruct.stages import DressedSurface, Matte, Photo, PhotoFit, SeenSites, Sites
from inperson.reconstruct.surface.atlas import UvAtlas
from inperson.reconstruct.surface.filling import fill_colors
from inperson.reconstruct.surface.fringe import with_fringe
from inperson.reconstruct.surface.gaussians import plain_gaussians
from inperson.reconstruct.surface.mesh_picture import draw_mesh
from inperson.reconstruct.surface.mirroring import mirror_colors
from inperson.reconstruct.surface.outline import match_outline
from inperson.reconstruct.surface.posing import posed_vertices
from inperson.reconstruct.surface.seeing import see
from inperson.reconstruct.surface.sites import lay_sites, seen_share
from inperson.tracking.observation import Observation


class Stage(Enum):
    """What `create_avatar` is doing; the value is for the progress bar."""

    FIND = "finding the person"
    POSE = "finding the pose"
    CUT_OUT = "cutting out"
    FIT = "fitting the body"
    DRESS = "hair and clothes"
    COMPLETE = "completing what is hidden"
    POLISH = "polishing"
    SCORE = "scoring"


T = TypeVar("T")
Completion = Literal["network", "plain", "mirror"]
"""The trained network; rules about hair, sleeves and skin (`fill_colors`); mirrored and spread texture alone."""
Progress = Callable[[Stage, float], None]
"""Told a stage and how much of it is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CreateSettings:
    """How an avatar is made."""

    fast: bool = False
    """The feed-forward answer as it is, without polishing."""
    completion: Completion = "network"
    """Who says what the photo does not show; those without learning are evaluation's baselines."""
    network: Path | None = None
    """Weights to use instead of the shipped ones."""
    dressed: bool = True
    """False keeps the naked body's surface (the ablation without silhouette offsets)."""
    person: int | None = None
    """Which of several people in the photo, 1 for the leftmost."""
    body: str = "neutral"
    """Name of a shipped body, or the path of an SMPL-X npz."""
    count: int = 50_000
    """Gaussians on the surface, about; polishing adds some."""
    seed: int = 0
    device: torch.device = CPU
    """Where the network runs and Gaussians are polished (`choose_device`); all else is the CPU's."""
    polish: PolishSettings = field(default_factory=PolishSettings)


@dataclass(frozen=True, slots=True, eq=False)
class Created:
    """An avatar, and how it came to be."""

    avatar: GaussianAvatar
    """Its provenance says how it was made; whoever saves it adds the consent."""
    scores: InputScores
    seconds: dict[Stage, float]
    """Wall time, of the stages that were gone through."""
    fit: PhotoFit
    matte: Matte
    surface: DressedSurface
    target: PolishTarget
    """What it was polished and scored against."""


class Search(Protocol):
    """Looks for the person of a photo."""

    def found(self) -> Observation:
        """Who they are; raises as `find_person`."""
        ...

    def cut_out(self) -> Matte:
        """The same person cut out, once they were found; raises as `Matter`."""
        ...


def create_avatar(
    photo: Photo,
    settings: CreateSettings,
    progress: Progress = lambda *_: None,
    search: Search | None = None,
) -> Created:
    """An animatable avatar of the person in a photo. The same photo and settings give the same avatar: bit for bit
    on the CPU, but for rounding on CUDA, where gradients are summed in no fixed order.

    Args:
        photo: the picture.
        settings: how to make it.
        progress: told about the stages.
        search: for the person in it, of whoever began to look earlier; by default one that begins now.

    Raises:
        BadInputError: the photo does not show one person well enough (`find_person`), the body is unknown, or the
            network's weights cannot be read.
        MissingModelError: the landmarkers' or the segmenter's models are not there.
    """
    body = load_body(settings.body)
    if settings.completion == "network":
        read_header(settings.network)  # a wrong path is told now, not after the fit
    clock = _Clock(progress)
    search = search or _SearchNow(photo, settings.person)
    observation = clock.time(Stage.FIND, search.found)
    pose = clock.time(Stage.POSE, lambda: fit_landmarks(body, observation))
    matte = clock.time(Stage.CUT_OUT, search.cut_out)
    fit = clock.time(Stage.FIT, lambda: fit_outline(pose, matte))
    created = create_from_fit(fit, matte, settings, progress)
    about = Provenance.from_strings(created.avatar.provenance)
    about = replace(about, photo_name=photo.name, photo_sha256=photo.sha256)
    return replace(
        created,
        avatar=replace(created.avatar, provenance=about.to_strings()),
        seconds=clock.seconds | created.seconds,
    )


def create_from_fit(
    fit: PhotoFit, matte: Matte, settings: CreateSettings, progress: Progress = lambda *_: None
) -> Created:
    """The stages after tracking: also for pictures whose person, pose and outline are known (evaluation)."""
    clock = _Clock(progress)
    target = polish_target(matte, fit.view)
    surface = clock.time(Stage.DRESS, lambda: _dress(fit, matte, settings))
    gaussians, confidence = clock.time(Stage.COMPLETE, lambda: _complete(fit, matte, surface, settings))
    if not settings.fast:
        polish_settings = replace(settings.polish, seed=settings.seed)
        gaussians = clock.time(
            Stage.POLISH,
            lambda: polish(
                *(gaussians.to(settings.device), confidence, fit.body, fit.state, target.finer(), polish_settings),
                progress=lambda done: progress(Stage.POLISH, done),
            ).to(CPU),
        )
    avatar = gaussians.to_avatar(fit.body, fit.state.betas, "", {})
    scores = clock.time(Stage.SCORE, lambda: score_input_view(avatar, fit.body, fit.state, target))
    papers, photo = _provenance(settings, scores).to_strings(), reference_photo(avatar, fit, matte)
    avatar = replace(avatar, provenance=papers, photo=photo)
    return Created(avatar, scores, clock.seconds, fit, matte, surface, target)


class _Clock:
    """Tells the watcher when stages begin and end, and keeps what they took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.seconds: dict[Stage, float] = {}

    def time(self, stage: Stage, work: Callable[[], T]) -> T:
        """Run one stage."""
        self._progress(stage, 0.0)
        started = time.perf_counter()
        result = work()
        self.seconds[stage] = time.perf_counter() - started
        self._progress(stage, 1.0)
        return result


class _SearchNow:
    """Looks when it is asked. Its modules load MediaPipe, which is not for those who search elsewhere."""

    def __init__(self, photo: Photo, number: int | None) -> None:
        self._photo, self._number = photo, number
        self._observation: Observation | None = None

    def found(self) -> Observation:
        from inperson.reconstruct.photo.person import find_person

        self._observation = find_person(self._photo, self._number)
        return self._observation

    def cut_out(self) -> Matte:
        from inperson.reconstruct.photo.matte import Matter

        return Matter().cut_out(self._photo.image, self._observation or self.found())


def _dress(fit: PhotoFit, matte: Matte, settings: CreateSettings) -> DressedSurface:
    if settings.dressed:
        return match_outline(fit, matte)
    return DressedSurface(fit.body, fit.state.betas, np.zeros((fit.body.num_vertices, 3), np.float32))


def _complete(
    fit: PhotoFit, matte: Matte, surface: DressedSurface, settings: CreateSettings
) -> tuple[CanonicalGaussians, Float[np.ndarray, " N"]]:
    """Gaussians all over the surface, also where the photo shows nothing of it, and the fringe beside it; and how
    far the photo can be trusted for each."""
    vertices = posed_vertices(surface, fit.state)
    picture = draw_mesh(vertices, fit.body.faces, fit.view)
    share = seen_share(picture, vertices, fit.body.faces, fit.view.intrinsics.fx)
    sites = lay_sites(surface, share, settings.count)
    seen = see(sites, surface, fit, picture, matte)
    if settings.completion == "network":
        network = load_network(settings.network).to(settings.device)
        atlas = UvAtlas.of(fit.body, network.config.size)
        with torch.inference_mode():
            attributes = network(make_inputs(fit, matte, surface, atlas, picture).to(settings.device))
        gaussians = _covering(settled(gaussians_from(attributes, sites, surface, atlas, seen)), sites, seen, surface)
    else:
        complete = fill_colors if settings.completion == "plain" else mirror_colors
        gaussians = plain_gaussians(sites, complete(sites, seen, surface), surface, seen)
    parts = gaussians.features
    bare = replace(gaussians, features=torch.zeros(len(sites), 0))
    fringed = with_fringe(bare, sites, seen, surface, fit, picture, matte)
    added = len(fringed) - len(sites)
    confidence = np.concatenate([seen.confidence, np.ones(added, np.float32)])
    return replace(fringed, features=torch.cat([parts, torch.zeros(added, parts.shape[1])])), confidence


def _covering(
    gaussians: CanonicalGaussians, sites: Sites, seen: SeenSites, surface: DressedSurface
) -> CanonicalGaussians:
    """The network's Gaussians, those that the photo does not show at least as large and opaque as plain discs.

    Where the network is not sure of a surface's place it makes it thin, and from behind the front shines through.
    """
    plain = plain_gaussians(sites, np.zeros((len(sites), 3)), surface, seen)
    unseen = torch.from_numpy(seen.confidence < 0.5)
    logits = torch.where(unseen, torch.maximum(gaussians.logits, plain.logits), gaussians.logits)
    sizes = torch.maximum(gaussians.log_scales, plain.log_scales)
    log_scales = torch.where(unseen[:, None], sizes, gaussians.log_scales)
    return replace(
        gaussians,
        logits=logits.detach().requires_grad_(True),
        log_scales=log_scales.detach().requires_grad_(True),
    )


def _provenance(settings: CreateSettings, scores: InputScores) -> Provenance:
    """What is known of the making without the photo's file."""
    network = (settings.network or shipped_network()).read_bytes() if settings.completion == "network" else b""
    return Provenance(
        tool=this_tool(),
        created=datetime.date.today(),
        body=settings.body,
        network_sha256=hashlib.sha256(network).hexdigest() if network else "",
        scores={"iou": round(scores.iou, 4), "psnr": round(scores.psnr, 2), "ssim": round(scores.ssim, 4)},
        others={
            "made_by": "inperson avatar create",
            "source": "one photo",
            "polished": "no" if settings.fast else f"{settings.polish.steps} steps",
            "seed": str(settings.seed),
        },
    )
