"""A training recipe: one TOML file that names every count, seed and weight, from rendering to the last step."""

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from inperson.errors import BadInputError

DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "cpu.toml"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PeopleRecipe:
    """Which people are rendered, and how."""

    train: int = 400
    held_out: int = 20
    first_seed: int = 0
    """Training person n is drawn with seed first_seed + n."""
    held_out_seed: int = 1_000_000
    """Likewise; the two ranges must not meet."""
    per_shard: int = 20
    inputs: int = 3
    """Input pictures of each person."""
    input_size: int = 512
    """Short side, pixels."""
    target_size: int = 256
    """Side of the target views, pixels."""


@dataclass(frozen=True, slots=True)
class TargetsRecipe:
    """How uv targets are measured."""

    texels: int = 256
    """Side of the uv map."""
    reach: float = 0.2
    """How far a seen point may lie from the body, metres."""
    by_area: float = 0.7
    """Exponent of a texel's area in its weight: 0 counts texels alike (half of them lie on the head), 1 square
    metres, which pictures show."""
    fill_unseen: bool = False
    """Ablation: texels that no target view sees get a filled colour and full weight (no visibility-aware loss)."""


@dataclass(frozen=True, slots=True)
class FitErrorRecipe:
    """Errors that fitting a body to a photo makes, standard deviations."""

    body_pose: float = 0.007
    """Radians, each axis of each joint."""
    hand_pose: float = 0.05
    betas: float = 0.15
    depth: float = 0.01
    """Share of the distance, along the viewing ray."""
    sideways: float = 0.001
    """Share of the distance, across it."""
    jaw: float = 0.02
    expression: float = 0.05


@dataclass(frozen=True, slots=True)
class InputsRecipe:
    """What the network is given."""

    pictures: int = 2
    """How many of a person's input pictures are used."""
    match_outline: bool = True
    """Ablation: False leaves the surface undressed (no silhouette offsets)."""
    body_prior: bool = True
    """Ablation: False zeroes the channels that tell of the body (positions, normals, displacement)."""
    fit_betas: int = 60
    """How many betas the fit finds, as `fit_photo` does; the others stay 0."""
    error: FitErrorRecipe = field(default_factory=FitErrorRecipe)


@dataclass(frozen=True, slots=True)
class AugmentRecipe:
    """How samples are varied while training."""

    gain: float = 0.08
    """Standard deviation of the logarithm of each channel's factor."""
    brightness: float = 0.1
    """The same, of all channels together."""
    swapped_channels: float = 0.1
    """How often red, green and blue are permuted."""
    forgetful: float = 0.3
    """How often some seen texels are made unseen."""
    most_forgotten: float = 0.4
    """Share of the map, at most."""


@dataclass(frozen=True, slots=True)
class LossRecipe:
    """Weights of the loss's parts."""

    color: float = 1.0
    color_squared: float = 4.0
    """Of the squared error: where the picture says nothing, it asks for the mean of what could be there."""
    edges: float = 0.5
    unseen_by_input: float = 1.5
    """Colour and edges count so much more where the input picture does not show the texel."""
    offset: float = 10.0
    """Per metre."""
    part: float = 0.1
    crop_part: float = 0.1
    offset_smoothness: float = 2.0
    scale_and_turn: float = 0.3
    """Pull of scales and rotations towards their start."""
    render: float = 1.0
    """0 leaves rendering out."""


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    """How long and how fast."""

    steps: int = 20_000
    batch: int = 4
    """Over all processes."""
    rate: float = 4e-4
    final_rate: float = 2e-5
    warm_up: int = 200
    weight_decay: float = 0.01
    epsilon: float = 1e-8
    """Adam's: what has gradients far smaller than this hardly moves."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    average: float = 0.998
    """Decay of the averaged weights."""
    bf16: bool = False
    seed: int = 0
    save_every: int = 250
    validate_every: int = 500
    validate_on: int = 20
    """Held-out pictures looked at in one validation."""


@dataclass(frozen=True, slots=True)
class RenderRecipe:
    """The rendered part of the loss."""

    from_step: int = 0
    every: int = 1
    """Steps from one rendered step to the next."""
    views: int = 1
    sites: int = 16_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything."""

    people: PeopleRecipe = field(default_factory=PeopleRecipe)
    targets: TargetsRecipe = field(default_factory=TargetsRecipe)
    inputs: InputsRecipe = field(default_factory=InputsRecipe)
    network: dict[str, Any] = field(default_factory=dict)
    """Fields of `network.config.NetConfig` that differ from its defaults. `size` may be a fraction of
    `targets.texels`: the prepared maps are then averaged down (a quick first stage of training)."""
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    loss: LossRecipe = field(default_factory=LossRecipe)
    render: RenderRecipe = field(default_factory=RenderRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file; what it leaves out keeps its default.

    A line `like = "other.toml"` takes the recipe of that name beside it instead of the defaults.

    Raises:
        BadInputError: no such file, broken TOML, or a name or a kind of value that the recipe does not know.
    """
    return read_over(Recipe(), path)


def read_over(defaults: T, path: Path) -> T:
    """Any recipe's dataclass with what a TOML file says in place of its defaults (see `read_recipe`)."""
    return _filled(defaults, _tables(path, ()), path.name)


def _tables(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    """A file's tables over those of the file that it is like."""
    if path in above:
        raise BadInputError(f"recipe {path} is like itself", "let one of them stand alone")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"recipe {path} cannot be read ({error})", "give a TOML file as in recipes/") from error
    other = tables.pop("like", None)
    return tables if other is None else _merged(_tables(path.parent / str(other), (*above, path)), tables)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        k: _merged(under[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(under.get(k), dict)
    }
    return under | over | both


def _filled(defaults: T, table: dict[str, Any], where: str) -> T:
    """The dataclass with the table's values, nested tables included."""
    known = {f.name: getattr(defaults, f.name) for f in fields(defaults)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            raise BadInputError(f"{where} does not know '{name}'", f"use {', '.join(known)}")
        default = known[name]
        if is_dataclass(default) and isinstance(value, dict):
            values[name] = _filled(default, value, f"{where}: {name}")
        elif isinstance(value, type(default)) or (isinstance(default, float) and type(value) is int):
            values[name] = type(default)(value)
        else:
            raise BadInputError(f"{where}: '{name}' must be a {type(default).__name__}", "mend the recipe")
    return replace(defaults, **values)  # type: ignore[type-var]
