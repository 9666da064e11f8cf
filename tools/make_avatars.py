"""Rebuild the shipped avatars: dress each member of the cast, capture them on the virtual stage, fit, score, save.

    python -m tools.make_avatars                    all, into assets/avatars/ (about ten minutes each on two cores)
    python -m tools.make_avatars --names ada --steps 500 --out /tmp

Needs the wardrobe (INPERSON_WARDROBE, see `inperson.synthetic.wardrobe`) and an OpenGL driver (a software one
will do). The same seed gives the same captures and the same start.
"""

import datetime
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from PIL import Image
from rich.console import Console

from inperson.avatar.file import load_avatar, save_avatar
from inperson.avatar.posing import AvatarPoser
from inperson.paths import assets_dir
from inperson.reconstruct.close_ups import CLOSE_UPS, add_close_ups
from inperson.reconstruct.evaluation.captures import Score, draw_like, evaluate, over_grey
from inperson.reconstruct.fit_captures import FitReport, FitSettings, fit_captures
from inperson.reconstruct.initial import initial_gaussians, probe_states
from inperson.reconstruct.person_surface import PersonSurface, seen_pixels
from inperson.render.backends import make_rasterizer
from inperson.synthetic.avatar_captures import SESSION, SessionPose, capture_session, session_state
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.captures import FILE_NAME, Capture, CaptureSet, load_captures
from inperson.synthetic.cast import CAST, cast_member
from inperson.synthetic.dressing import DressedPerson, Dresser
from inperson.synthetic.lights import capture_light
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe

HELD_OUT: tuple[tuple[SessionPose, Framing, float, float], ...] = (
    (SessionPose("neutral", "relaxed", "relaxed", "down"), "head", 0.0, 0.0),
    (SessionPose("pleasant", "loose", "loose", "down", gaze=(0.05, 0.1)), "head", 0.52, 0.05),
    (SessionPose("pleasant", "loose", "loose", "down", gaze=(0.05, 0.1)), "head", -1.05, 0.1),
    (SessionPose("smile", "loose", "loose", "chest"), "head", 0.15, 0.05),
    (SessionPose("ah", "relaxed", "relaxed", "down", jaw=0.2), "mouth", 0.1, 0.0),
    (SessionPose("wink", "open", "open", "forward", gaze=(0.1, 0.25)), "head", -0.3, -0.1),
    (SessionPose("pleasant", "three", "loose", "raised"), "left_hand", 0.3, 0.1),
    (SessionPose("pleasant", "open", "point", "chest"), "right_hand", -0.2, 0.1),
    (SessionPose("smile", "open", "point", "forward"), "upper", 0.25, 0.1),
    (SessionPose("ah", "loose", "open", "wide"), "upper", -0.7, 0.15),
    (SessionPose("pleasant", "relaxed", "relaxed", "down", head_turn=(0.0, 0.3, 0.0)), "upper", 3.0, 0.1),
    (SessionPose("pleasant", "loose", "relaxed", "chest", legs=0.2), "body", 0.5, 0.05),
)
"""Pose, framing, azimuth and elevation of pictures that fitting never sees; no pose is one of the session's."""


@dataclass(frozen=True)
class Options:
    """Rebuild the shipped avatars."""

    names: tuple[str, ...] = tuple(CAST)
    """Members of the cast."""
    out: Path = assets_dir() / "avatars"
    """Where the .avatar files go."""
    captures: Path | None = None
    """Folder where captures are kept, and taken from when they are there already."""
    sheets: Path | None = None
    """Folder for held-out pictures, truth above avatar."""
    start: int = 44_000
    """Gaussians to start with."""
    count: int = 58_000
    """Gaussians to end with, about."""
    steps: int = 2_600
    size: int = 512
    """Pixels of a capture's side."""
    rounds: int = 1
    """Times 130 captures of the common session; the close-ups come on top."""
    seed: int = 0


def captures_of(person: DressedPerson, stage: Stage, folder: Path, options: Options) -> CaptureSet:
    """The captures to fit to; those in the folder if it holds a finished session of this person."""
    if (folder / FILE_NAME).is_file():
        captures = load_captures(folder)
        if captures.body_sha256 == person.body.sha256 and np.array_equal(captures.states[0].betas, person.betas):
            return captures
    session = capture_session(person, stage, folder, size=options.size, rounds=options.rounds, seed=options.seed)
    return add_close_ups(person, stage, session, size=options.size, seed=options.seed)


def held_out_captures(person: DressedPerson, stage: Stage, size: int = 1024) -> list[Capture]:
    """The held-out pictures of a person."""
    captures = []
    for pose, framing, azimuth, elevation in HELD_OUT:
        assert pose not in SESSION
        assert all(pose != close_up.pose for close_up in CLOSE_UPS)
        posed = person.posed(session_state(person, pose))
        stage.set_scene(posed, capture_light())
        view = framed_view(posed.pose, framing, azimuth, elevation, size)
        captures.append(stage.shoot(view, geometry=False, supersample=2))
    return captures


def with_depth(person: DressedPerson, stage: Stage, captures: CaptureSet, size: int = 256) -> Iterator[Capture]:
    """Small versions of the captures with depth, to see what each camera sees."""
    for index, view in enumerate(captures.views):
        state = captures.states[int(captures.state_of_view[index])]
        stage.set_scene(person.posed(state), capture_light())
        yield stage.shoot(replace(view, width=size, height=size), geometry=True)


def make_avatar(name: str, options: Options, stage: Stage, dresser: Dresser, console: Console) -> Score:
    """One avatar, from the wardrobe to the file."""
    started = time.perf_counter()
    person = bake_occlusion(dresser.dress(cast_member(name)), stage)
    with tempfile.TemporaryDirectory(prefix="captures-") as temporary:
        folder = (options.captures or Path(temporary)) / name
        captures = captures_of(person, stage, folder, options)
        console.print(f"{name}: {len(captures)} captures after {time.perf_counter() - started:.0f} s")
        surface = PersonSurface.of(person)
        seen = seen_pixels(surface, with_depth(person, stage, captures))
        rng = np.random.default_rng(options.seed)
        start = initial_gaussians(surface, seen, probe_states(person, captures.states), options.start, rng)
        settings = FitSettings(steps=options.steps, seed=options.seed, count=options.count)
        fit_started = time.perf_counter()

        def report(progress: FitReport, _: object) -> None:
            pace = (time.perf_counter() - fit_started) / progress.step
            console.print(
                f"{name}: step {progress.step}, loss {progress.loss:.4f}, {progress.gaussians} Gaussians, "
                f"{1e3 * pace:.0f} ms a step"
            )

        fitted = fit_captures(start, person.body, captures, settings, report)
    provenance = {
        "made_by": "tools.make_avatars",
        "made_on": datetime.date.today().isoformat(),
        "command": (
            f"python -m tools.make_avatars --names {name} --start {options.start} --count {options.count}"
            f" --steps {options.steps} --size {options.size} --rounds {options.rounds} --seed {options.seed}"
        ),
        "source": f"synthetic captures of the cast member '{name}': MakeHuman body, skin, hair and clothes",
        "licence": "CC0-1.0",
        "consent": "not needed: a synthetic person",
    }
    path = options.out / f"{name}.avatar"
    save_avatar(fitted.to_avatar(person.body, person.betas, name, provenance), path)
    held_out = held_out_captures(person, stage)
    rasterizer = make_rasterizer("cpu")
    score = evaluate(load_avatar(path), person.body, rasterizer, held_out)
    scored = provenance | {
        "held_out_psnr_db": f"{score.psnr:.2f}",
        "held_out_person_psnr_db": f"{score.person_psnr:.2f}",
        "held_out_ssim": f"{score.ssim:.4f}",
    }
    save_avatar(fitted.to_avatar(person.body, person.betas, name, scored), path)
    if options.sheets is not None:
        poser = AvatarPoser(load_avatar(path), person.body)
        for index, capture in enumerate(held_out):
            both = np.concatenate([over_grey(capture), draw_like(poser, rasterizer, capture)], axis=1)
            picture = Image.fromarray((np.clip(both, 0, 1) * 255).astype(np.uint8))
            picture.save(options.sheets / f"{name}_{index:02d}.png")
    rasterizer.close()
    return score


def main() -> None:
    """Command line."""
    options = tyro.cli(Options, description=__doc__)
    torch.set_num_threads(1)
    console = Console()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.sheets is not None:
        options.sheets.mkdir(parents=True, exist_ok=True)
    dresser = Dresser(Wardrobe())
    with Stage() as stage:
        for name in options.names:
            score = make_avatar(name, options, stage, dresser, console)
            console.print(f"{name}: held out {score}")


if __name__ == "__main__":
    main()
