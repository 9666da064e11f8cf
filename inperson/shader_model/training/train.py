"""Train the live model:

python -m inperson.shader_model.training.train --data out/shader --folder out/run
torchrun --nproc-per-node 8 -m inperson.shader_model.training.train --data out/shader --folder out/run
"""

from inperson.reconstruct.training.command import train_command
from inperson.shader_model.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.shader_model.training.trainer import Trainer

if __name__ == "__main__":
    train_command(lambda recipe, *where: Trainer(read_recipe(recipe), *where), DEFAULT_RECIPE)
