"""Train the reconstruction network:

python -m inperson.reconstruct.training.train --data out/prepared --folder out/run
torchrun --nproc-per-node 8 -m inperson.reconstruct.training.train --data out/prepared --folder out/run
"""

from inperson.reconstruct.training.command import train_command
from inperson.reconstruct.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.reconstruct.training.trainer import Trainer

if __name__ == "__main__":
    train_command(lambda recipe, *where: Trainer(read_recipe(recipe), *where), DEFAULT_RECIPE)
