"""Between which values the shader's 8-bit products lie, measured on windows of `tools.make_shader_shards`:

    python -m tools.make_shader_shards --out out/shader
    python -m tools.calibrate_shader --data out/shader

Again whenever the weights change: a calibration belongs to its weights, and without one there is no `openvino-int8`.
"""

from hashlib import sha256
from itertools import islice
from pathlib import Path

import tyro
from rich.progress import track

from inperson.errors import BadInputError
from inperson.reconstruct.training.shards import find_shards, read_shards
from inperson.shader_model.data.shards import decode_window
from inperson.shader_model.network.weights import load_shader, shipped_shader
from inperson.shader_model.runtime.calibration import calibrated, calibration_of, save_calibration


def main(data: Path = Path("out/shader"), weights: Path | None = None, windows: int = 20) -> None:
    """Calibrate, and write the result beside the weights.

    Args:
        data: folder with train-NNNNN.tar; nobody in them is held out.
        weights: default those of the small size that come with the program.
        windows: how many of the first ones to look at.
    """
    if windows < 1:
        raise BadInputError(f"--windows {windows}", "give at least 1")
    weights = weights or shipped_shader("small")
    shards = find_shards(data, "train", "tools.make_shader_shards")
    samples = list(islice(read_shards(shards), windows))
    names = [sample["__key__"] for sample in samples]
    provenance = {
        "data": "synthetic people rendered from MakeHuman assets (CC0)",
        "windows": f"{len(samples)} of train-*.tar, {names[0]} to {names[-1]}",
        "file_sha256": sha256(weights.read_bytes()).hexdigest(),
    }
    decoded = (decode_window(sample) for sample in track(samples, "Windows"))
    save_calibration(calibrated(load_shader(weights), decoded, provenance), calibration_of(weights))


if __name__ == "__main__":
    tyro.cli(main)
