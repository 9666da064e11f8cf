"""Started by `torchrun` in a test: the tiny recipe, on however many processes."""

import sys
from pathlib import Path

import torch

from inperson.shader_model.training.trainer import Trainer
from tests.shader_model.training.conftest import TINY

if __name__ == "__main__":
    torch.set_num_threads(1)
    Trainer(TINY, Path(sys.argv[1]), Path(sys.argv[2])).run()
