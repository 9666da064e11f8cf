"""A picture of the cast and of random people: `python -m tools.make_cast_sheet` writes docs/images/cast.jpg."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from inperson.synthetic.avatar_captures import SESSION, session_state
from inperson.synthetic.backgrounds import sample_room
from inperson.synthetic.cameras import Framing, framed_view
from inperson.synthetic.cast import CAST, PERFORMER
from inperson.synthetic.dressing import DressedPerson, Dresser
from inperson.synthetic.lights import Light, room_light, sample_light
from inperson.synthetic.occlusion import bake_occlusion
from inperson.synthetic.people import sample_person
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe

_SHOTS: tuple[tuple[int, Framing, float], ...] = (
    (0, "body", 0.3),
    (7, "upper", -0.25),
    (0, "head", 0.3),
    (2, "head", -0.7),
)
"""Session pose, framing and azimuth of the pictures of a cast member."""


def main(
    out: Path = Path("docs/images/cast.jpg"), wardrobe: Path | None = None, seed: int = 40, size: int = 240
) -> None:
    """The cast, each in four pictures, then a row of people drawn at random (first come, not chosen).

    Args:
        out: picture to write.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
        seed: of the random people.
        size: pixels of one picture.
    """
    dresser = Dresser(Wardrobe(wardrobe))
    rows = []
    with Stage() as stage:
        for spec in (*CAST.values(), PERFORMER):
            person = bake_occlusion(dresser.dress(spec), stage)
            rng = np.random.default_rng(spec.shape.seed)
            rows.append([_shot(stage, person, rng, *shot, size, room_light()) for shot in _SHOTS])
        strangers = []
        for index in range(8):
            rng = np.random.default_rng([seed, index])
            person = bake_occlusion(dresser.dress(sample_person(rng, f"random{index}")), stage, directions=32)
            pose = (0, 2, 5, 8)[index % 4]
            strangers.append(
                _shot(stage, person, rng, pose, "upper", float(rng.uniform(-0.3, 0.3)), size, sample_light(rng))
            )
    cast = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    random = np.concatenate(strangers, axis=1)
    half = np.concatenate(np.split(cast, 2, axis=0), axis=1)
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate([half, random], axis=0)).save(out, quality=82)


def _shot(
    stage: Stage,
    person: DressedPerson,
    rng: np.random.Generator,
    pose: int,
    framing: Framing,
    azimuth: float,
    size: int,
    light: Light,
) -> np.ndarray:
    state = session_state(person, replace(SESSION[pose], legs=0.0))
    posed = person.posed(state)
    stage.set_scene(posed, light)
    return stage.shoot(
        framed_view(posed.pose, framing, azimuth, 0.05, size), sample_room(rng, size, size), geometry=False
    ).rgb


if __name__ == "__main__":
    tyro.cli(main)
