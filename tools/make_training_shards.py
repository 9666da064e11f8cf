"""Renders the people that the reconstruction network learns from into webdataset shards:
`python -m tools.make_training_shards --out out/people`.

Shards that are already there are kept, so that an interrupted run goes on where it stopped.
"""

from pathlib import Path

import tyro
from rich.progress import track

from inperson.reconstruct.training.people import PersonSeed, all_people, shoot_person
from inperson.reconstruct.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.reconstruct.training.shards import encode_person, write_shard
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe


def main(out: Path = Path("out/people"), recipe: Path = DEFAULT_RECIPE, wardrobe: Path | None = None) -> None:
    """Render both splits of a recipe.

    Args:
        out: folder for train-NNNNN.tar and held_out-NNNNN.tar.
        recipe: TOML; its table `people` says who and how many.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
    """
    people = read_recipe(recipe).people
    dresser = Dresser(Wardrobe(wardrobe))
    shards: list[tuple[Path, list[PersonSeed]]] = []
    for split in ("held_out", "train"):
        everybody = all_people(people, held_out=split == "held_out")
        for first in range(0, len(everybody), people.per_shard):
            path = out / f"{split}-{first // people.per_shard:05d}.tar"
            shards.append((path, everybody[first : first + people.per_shard]))
    with Stage() as stage:
        for path, members in track([s for s in shards if not s[0].exists()], "Shards"):
            write_shard(path, (encode_person(shoot_person(who, dresser, stage, people)) for who in members))


if __name__ == "__main__":
    tyro.cli(main)
