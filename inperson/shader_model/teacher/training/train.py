"""Train the teacher:

python -m inperson.shader_model.teacher.training.train --data out/shader --folder out/teacher
torchrun --nproc-per-node 8 -m inperson.shader_model.teacher.training.train --data out/shader --folder out/teacher
"""

from inperson.reconstruct.training.command import train_command
from inperson.shader_model.teacher.training.recipe import DEFAULT_RECIPE, read_recipe
from inperson.shader_model.teacher.training.trainer import TeacherTrainer

if __name__ == "__main__":
    train_command(lambda recipe, *where: TeacherTrainer(read_recipe(recipe), *where), DEFAULT_RECIPE)
