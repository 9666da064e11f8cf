"""Avatars from one picture of people who were never trained on, against their exact pictures from all round.

A person's targets show them in the input's own pose (novel views) and in others (novel poses). A pixel of a target
is seen when the input picture shows the place of the body's surface that it shows, else unseen: there an avatar can
only know what people look like. Avatars are drawn on the person's true body in its true pose, so that what is scored
is the appearance and not the errors of the fit (which the avatar's maker has to live with all the same).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.posing import AvatarPoser
from inperson.reconstruct.create import Created, CreateSettings, create_from_fit
from inperson.reconstruct.evaluation.metrics import LEAST_ERROR, ssim_map
from inperson.reconstruct.evaluation.seen_regions import seen_pixels, seen_vertices
from inperson.reconstruct.perceptual import Perceptual
from inperson.reconstruct.training.people import PersonShots
from inperson.reconstruct.training.recipe import FitErrorRecipe
from inperson.reconstruct.training.snapshot_fit import snapshot
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.tracking.fit.skeleton import SkeletonModel

BACKGROUND = 0.5
"""Grey behind both pictures."""
KINDS = ("novel view", "novel pose")
REGIONS = ("all", "seen", "unseen")
METHODS: dict[str, CreateSettings] = {
    "mirror": CreateSettings(fast=True, completion="mirror"),
    "plain": CreateSettings(fast=True, completion="plain"),
    "network": CreateSettings(fast=True),
    "create": CreateSettings(),
}
"""Mirrored texture alone; completed by rules; by the network; and that answer polished against the picture."""
LEAST_SHARE = 0.01
"""Of the picture that a region must cover to have a perceptual distance there."""


@dataclass(frozen=True, slots=True)
class HeldOutSettings:
    """Who is made how."""

    methods: dict[str, CreateSettings]
    """By name."""
    picture: int = 0
    """Which of the input pictures is the photo."""
    seed: int = 0
    """Of the room behind the person, the camera's noise and the fit's errors."""

    @staticmethod
    def of(methods: Sequence[str], like: CreateSettings) -> "HeldOutSettings":
        """The methods of `METHODS` by name, in all else as `like`."""
        made = {name: replace(like, fast=METHODS[name].fast, completion=METHODS[name].completion) for name in methods}
        return HeldOutSettings(made, seed=like.seed)


@dataclass(frozen=True, slots=True)
class HeldOutScore:
    """One method on one person, over all targets of a kind."""

    person: str
    method: str
    kind: str
    region: str
    psnr: float
    """dB, of the mean square error over all pixels of the region."""
    ssim: float
    """Mean over the same pixels."""
    perceptual: float
    """Mean over targets."""

    def to_dict(self) -> dict[str, str | float | None]:
        """By name, rounded as far as it means anything; None for what has no value."""
        numbers = {
            k: round(x, 4) if np.isfinite(x) else None for k, x in asdict(self).items() if isinstance(x, float)
        }
        return asdict(self) | numbers


def evaluate_person(
    person: PersonShots, settings: HeldOutSettings, perceptual: Perceptual, told: Callable[[str], None]
) -> list[HeldOutScore]:
    """All methods on one person.

    Args:
        person: pictures of one who was not trained on.
        settings: the methods.
        perceptual: the network that sees as people do.
        told: the method that comes next.

    Raises:
        MissingModelError: the reconstruction network's weights are not there.
    """
    body = load_body("neutral")
    skeleton = SkeletonModel.from_body(body, body.num_betas)
    rng = np.random.default_rng(settings.seed)
    fit, matte = snapshot(body, skeleton, person, settings.picture, FitErrorRecipe(), rng)
    seen: list[Bool[np.ndarray, "H W"]] | None = None
    scores = []
    for name, how in settings.methods.items():
        told(name)
        created = create_from_fit(fit, matte, how)
        if seen is None:  # the surface is the same for all methods
            seen = _seen(created, person)
        scores += _score(created, body, person, settings.picture, seen, name, perceptual)
    return scores


def means(scores: Sequence[HeldOutScore]) -> list[HeldOutScore]:
    """Means over persons, in the order of the methods."""
    groups: dict[tuple[str, str, str], list[HeldOutScore]] = {}
    for score in scores:
        groups.setdefault((score.method, score.kind, score.region), []).append(score)
    out = []
    for (method, kind, region), members in groups.items():
        values = [_mean(getattr(m, name) for m in members) for name in ("psnr", "ssim", "perceptual")]
        out.append(HeldOutScore("mean", method, kind, region, *values))
    return out


def _seen(created: Created, person: PersonShots) -> list[Bool[np.ndarray, "H W"]]:
    """Of every target, the pixels that show what the input showed."""
    vertices = seen_vertices(created.surface, created.fit, created.matte)
    states = [person.states[int(n)] for n in person.target_state]
    pairs = zip(states, person.target_views, strict=True)
    return [seen_pixels(created.surface, vertices, state, view) for state, view in pairs]


def _score(
    created: Created,
    body: BodyModel,
    person: PersonShots,
    picture: int,
    seen: Sequence[Bool[np.ndarray, "H W"]],
    method: str,
    perceptual: Perceptual,
) -> list[HeldOutScore]:
    avatar = replace(created.avatar, betas=np.asarray(person.states[0].betas, np.float32))
    poser, rasterizer = AvatarPoser(avatar, body), CpuRasterizer(1)
    sums = {(kind, region): _Sum() for kind in KINDS for region in REGIONS}
    own_state = int(person.input_state[picture])
    for n, view in enumerate(person.target_views):
        number = int(person.target_state[n])
        posed = poser.pose(person.states[number], view.T_world_from_eye[:3, 3])
        drawn = rasterizer.render_color(posed, [view])
        alpha = drawn.alpha[0]
        image = np.clip(drawn.rgb[0] + (1 - alpha[..., None]) * np.float32(BACKGROUND), 0, 1)
        truth, there = _over_grey(person.target_rgba[n]), person.target_rgba[n, ..., 3] > 127
        regions = {"all": there | (alpha > 0.5), "seen": there & seen[n], "unseen": there & ~seen[n]}
        kind = KINDS[0] if number == own_state else KINDS[1]
        for region, where in regions.items():
            sums[kind, region].add(image, truth, where, perceptual)
    rasterizer.close()
    return [HeldOutScore(person.name, method, kind, region, *total.means()) for (kind, region), total in sums.items()]


class _Sum:
    """Adds up a region's errors over pictures."""

    def __init__(self) -> None:
        self._error = self._similarity = 0.0
        self._pixels = 0
        self._distances: list[float] = []

    def add(
        self,
        image: Float[np.ndarray, "H W 3"],
        truth: Float[np.ndarray, "H W 3"],
        where: Bool[np.ndarray, "H W"],
        perceptual: Perceptual,
    ) -> None:
        """One more picture."""
        self._pixels += int(where.sum())
        self._error += float(((image[where].astype(np.float64) - truth[where]) ** 2).mean(axis=1).sum())
        self._similarity += float(ssim_map(image, truth)[where].sum())
        if where.mean() > LEAST_SHARE:
            with torch.inference_mode():
                a, b, mask = (_batch(x) for x in (image, truth, where[..., None]))
                self._distances.append(float(perceptual.distance(a, b, mask)[0]))

    def means(self) -> tuple[float, float, float]:
        """PSNR, SSIM, perceptual distance; NaN without a pixel."""
        if not self._pixels:
            return (float("nan"),) * 3
        psnr = -10.0 * np.log10(max(self._error / self._pixels, LEAST_ERROR))
        return float(psnr), self._similarity / self._pixels, _mean(self._distances)


def _over_grey(rgba: UInt8[np.ndarray, "H W 4"]) -> Float[np.ndarray, "H W 3"]:
    picture = rgba.astype(np.float32) / 255
    return picture[..., :3] + (1 - picture[..., 3:]) * np.float32(BACKGROUND)


def _batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, 2, 0), np.float32))[None]


def _mean(values: Iterable[float]) -> float:
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")
