"""Started by `torchrun` in a test: the tiny recipe, on however many processes."""

import sys
from pathlib import Path

import torch

from inperson.shader_model.teacher.training.trainer import TeacherTrainer
from tests.shader_model.teacher.training.conftest import TINY

if __name__ == "__main__":
    torch.set_num_threads(1)
    TeacherTrainer(TINY, Path(sys.argv[1]), Path(sys.argv[2])).run()
