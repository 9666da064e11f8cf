"""One photo to an avatar: the stages in order, each told to whoever watches.

Photo -> person, matte, fit (`photo/`) -> dressed surface, sites, what is seen (`surface/`) -> the network's
Gaussians (`network/`), or the plain completion's -> polish against the photo -> scores.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from inperson.avatar.gaussians import GaussianAvatar
from inperson.reconstruct.create_scores import InputScores
from inperson.reconstruct.polish import PolishSettings
from inperson.reconstruct.stages import DressedSurface, Matte, PhotoFit


class Stage(Enum):
    """What `create_avatar` is doing; the value is for the progress bar."""

    FIND = "finding the person"
    CUT_OUT = "cutting out"
    FIT = "fitting the body"
    DRESS = "hair and clothes"
    COMPLETE = "completing what is hidden"
    POLISH = "polishing"
    SCORE = "scoring"


Progress = Callable[[Stage, float], None]
"""Told a stage and how much of it is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class CreateSettings:
    """How an avatar is made."""

    fast: bool = False
    """The feed-forward answer as it is, without polishing."""
    use_network: bool = True
    """False completes by mirrored and spread texture alone (the baseline of evaluation)."""
    network: Path | None = None
    """Weights to use instead of the shipped ones."""
    match_outline: bool = True
    """False keeps the naked body's surface (the ablation without silhouette offsets)."""
    body: str = "neutral"
    """Name of a shipped body, or the path of an SMPL-X npz."""
    count: int = 50_000
    """Gaussians, about."""
    seed: int = 0
    polish: PolishSettings = field(default_factory=PolishSettings)


@dataclass(frozen=True, slots=True, eq=False)
class Created:
    """An avatar, and how it came to be."""

    avatar: GaussianAvatar
    """Its provenance says how it was made; whoever saves it adds the consent."""
    scores: InputScores
    seconds: dict[Stage, float]
    fit: PhotoFit
    matte: Matte
    surface: DressedSurface
