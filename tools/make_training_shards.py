"""The data that the reconstruction network learns from, as webdataset shards:

    python -m tools.make_training_shards people --out out/people       # render the recipe's people
    python -m tools.make_training_shards prepare --people out/people --out out/prepared

The first needs the wardrobe; the second takes every picture through the create path (outline, inputs of the network)
and measures uv targets. Shards that are already there are kept, so an interrupted run goes on where it stopped.
"""

from pathlib import Path

import tyro
from rich.progress import track

from inperson.avatar.body import load_body
from inperson.reconstruct.training.people import PersonSeed, all_people, shoot_person
from inperson.reconstruct.training.prepared import prepared_samples
from inperson.reconstruct.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.reconstruct.training.shards import encode_person, find_shards, read_shards, write_shard
from inperson.synthetic.dressing import Dresser
from inperson.synthetic.stage import Stage
from inperson.synthetic.wardrobe import Wardrobe

SPLITS = ("held_out", "train")


def people(out: Path = Path("out/people"), recipe: Path = DEFAULT_RECIPE, wardrobe: Path | None = None) -> None:
    """Render both splits of a recipe.

    Args:
        out: folder for train-NNNNN.tar and held_out-NNNNN.tar.
        recipe: TOML; its table `people` says who and how many.
        wardrobe: MakeHuman assets; default INPERSON_WARDROBE, then ../shared/media/wardrobe.
    """
    wanted = read_recipe(recipe).people
    dresser = Dresser(Wardrobe(wardrobe))
    shards: list[tuple[Path, list[PersonSeed]]] = []
    for split in SPLITS:
        everybody = all_people(wanted, held_out=split == "held_out")
        for first in range(0, len(everybody), wanted.per_shard):
            path = out / f"{split}-{first // wanted.per_shard:05d}.tar"
            shards.append((path, everybody[first : first + wanted.per_shard]))
    with Stage() as stage:
        for path, members in track([s for s in shards if not s[0].exists()], "People"):
            write_shard(path, (encode_person(shoot_person(who, dresser, stage, wanted)) for who in members))


def prepare(
    people: Path = Path("out/people"), out: Path = Path("out/prepared"), recipe: Path = DEFAULT_RECIPE
) -> None:
    """Prepare all rendered shards for training.

    Args:
        people: folder that the other command wrote.
        out: folder for the prepared shards, of the same names.
        recipe: TOML; its tables `inputs` and `targets` say how.
    """
    how, body = read_recipe(recipe), load_body("neutral")
    paths = [path for split in SPLITS for path in find_shards(people, split)]
    for path in track([p for p in paths if not (out / p.name).exists()], "Prepared"):
        first_seed = how.people.per_shard * int(path.stem.rpartition("-")[2])
        write_shard(out / path.name, prepared_samples(read_shards([path]), body, how, first_seed))


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"people": people, "prepare": prepare})
