"""Splat scenes as SPZ, Niantic's compressed format, version 3 (github.com/nianticlabs/spz, README and load-spz.cc).

One gzip stream: a header of 16 bytes, then all positions, all opacities, colours, scales, rotations, and further
harmonics. Its axes are right, up, back: ours.
"""

import gzip
import struct

import numpy as np
from jaxtyping import Float, UInt8

from inperson.avatar.splats import SplatScene
from inperson.errors import BadInputError

MAGIC, VERSION = 0x5053474E, 3
MOST_FRACTIONAL_BITS = 16
"""Of positions: 15 micrometres, up to 128 m from the origin; scenes that reach further get fewer."""
COLOR_SCALE = 0.15
"""Of the first harmonic, so that colours somewhat beyond black and white can be stored."""
_DEGREES = {1: 0, 4: 1, 9: 2}


def spz_bytes(scene: SplatScene) -> bytes:
    """The file.

    Raises:
        BadInputError: a scene that reaches further than 8,000 km, where 24 bits end.
    """
    bits = _fractional_bits(scene)
    header = struct.pack("<IIIBBBB", MAGIC, VERSION, len(scene.means), _DEGREES[scene.sh.shape[1]], bits, 0, 0)
    attributes = (
        _positions(scene.means, bits),
        _bytes(255.0 / (1.0 + np.exp(-scene.logits.astype(np.float64)))).clip(1, 254),  # readers take the logit
        _bytes((COLOR_SCALE * scene.sh[:, 0] + 0.5) * 255.0),
        _bytes((scene.log_scales + 10.0) * 16.0),
        _smallest_three(scene.quats),
        _bytes(128.0 * scene.sh[:, 1:] + 128.0),  # coefficient by coefficient, each red, green, blue
    )
    return gzip.compress(header + b"".join(a.tobytes() for a in attributes), mtime=0)


def _fractional_bits(scene: SplatScene) -> int:
    """As many as leave room for the furthest coordinate in 24 bits with a sign."""
    furthest = max(float(np.abs(scene.means).max()), 1e-3)
    bits = int(np.floor(np.log2((2**23 - 1) / furthest)))
    if bits < 0:
        raise BadInputError(f"the avatar stands {furthest:g} m from the origin", "give a motion that stays nearer")
    return min(bits, MOST_FRACTIONAL_BITS)


def _bytes(x: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    return np.clip(np.rint(x), 0.0, 255.0).astype(np.uint8)


def _positions(means: Float[np.ndarray, "N 3"], bits: int) -> UInt8[np.ndarray, "N 3 3"]:
    """24-bit fixed point, the lowest byte first."""
    fixed = np.rint(means.astype(np.float64) * 2**bits).astype("<i4")
    return np.ascontiguousarray(fixed)[..., None].view(np.uint8)[..., :3]


def _smallest_three(quats: Float[np.ndarray, "N 4"]) -> np.ndarray:
    """(N,) little-endian words: two bits say which of x, y, z, w is largest (and counts as positive); the other
    three follow in that order, each a sign and nine bits of its size, in units of sqrt(1/2) / 511."""
    xyzw = np.roll(quats.astype(np.float64), -1, axis=1)
    xyzw /= np.linalg.norm(xyzw, axis=1, keepdims=True)
    largest = np.abs(xyzw).argmax(axis=1)
    xyzw *= np.where(np.take_along_axis(xyzw, largest[:, None], axis=1) < 0, -1.0, 1.0)
    sizes = np.rint(np.abs(xyzw) * (511.0 / np.sqrt(0.5))).clip(0, 511).astype(np.uint32)
    numbers = sizes | (np.uint32(512) * (xyzw < 0))
    word = largest.astype(np.uint32)
    for component in range(4):
        word = np.where(component == largest, word, (word << np.uint32(10)) | numbers[:, component])
    return word.astype("<u4")
