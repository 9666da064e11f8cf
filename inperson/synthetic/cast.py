"""The people whose avatars ship, and the performer of the demo clip: named, fixed, clearly different."""

from inperson.errors import BadInputError
from inperson.synthetic.fabrics import Dye
from inperson.synthetic.people import HAIR_TINTS, PersonSpec
from inperson.synthetic.shapes import ShapeSpec

ADA = PersonSpec(
    name="ada",
    gender="female",
    shape=ShapeSpec(seed=9, ethnicity="caucasian", age=0.68, spread=0.5),
    skin="young_caucasian_female",
    skin_tone=0.95,
    outfit="female_casualsuit01",
    top=Dye((0.13, 0.36, 0.38)),
    bottom=None,
    shoes="shoes05",
    hair="ponytail01",
    hair_tint=HAIR_TINTS["chestnut"],
    eyes="green",
    brows="eyebrow001",
    lashes="eyelashes02",
)
KENJI = PersonSpec(
    name="kenji",
    gender="male",
    shape=ShapeSpec(seed=5, ethnicity="asian", age=0.70, spread=0.5),
    skin="young_asian_male",
    skin_tone=0.95,
    outfit="male_casualsuit01",
    top=Dye((0.62, 0.20, 0.17), "check", (0.16, 0.13, 0.16), 0.045),
    bottom=None,
    shoes="shoes02",
    hair="short02",
    hair_tint=HAIR_TINTS["black"],
    eyes="brown",
    brows="eyebrow012",
    lashes="eyelashes01",
)
SAMUEL = PersonSpec(
    name="samuel",
    gender="male",
    shape=ShapeSpec(seed=6, ethnicity="african", age=0.86, spread=0.5),
    skin="old_african_male",
    skin_tone=0.9,
    outfit="male_casualsuit02",
    top=Dye((0.80, 0.76, 0.66)),
    bottom=Dye((0.17, 0.19, 0.26)),
    shoes="shoes04",
    hair="short04",
    hair_tint=HAIR_TINTS["grey"],
    eyes="brown",
    brows="eyebrow012",
    lashes="eyelashes01",
)
MEI = PersonSpec(
    name="mei",
    gender="female",
    shape=ShapeSpec(seed=8, ethnicity="asian", age=0.68, spread=0.5),
    skin="young_asian_female",
    skin_tone=0.97,
    outfit="female_elegantsuit01",
    top=Dye((0.86, 0.80, 0.72)),
    bottom=None,
    shoes="shoes04",
    hair="long01",
    hair_tint=HAIR_TINTS["dark brown"],
    eyes="brown",
    brows="eyebrow010",
    lashes="eyelashes02",
)

CAST: dict[str, PersonSpec] = {person.name: person for person in (ADA, KENJI, SAMUEL)}
"""The shipped avatars."""
PERFORMER = MEI
"""Who performs in the demo clip."""


def cast_member(name: str) -> PersonSpec:
    """A person by name, the performer included.

    Raises:
        BadInputError: nobody has that name.
    """
    people = {**CAST, PERFORMER.name: PERFORMER}
    if name not in people:
        raise BadInputError(f"nobody in the cast is called '{name}'", f"choose {', '.join(people)}")
    return people[name]
