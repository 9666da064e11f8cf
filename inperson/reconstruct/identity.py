"""Whether two sets of pictures show the same person's face.

No face-recognition network is at hand in a package of acceptable size, so this compares what there is: the shape of
MediaPipe's face mesh (478 points in space, turned, moved and scaled onto each other) and what the body landmarker's
deepest features that `Perceptual` uses say of the face, cut out and straightened by eyes, nose and mouth, its
brightness and contrast evened out. Means over several frames: one frame's expression says more than the person.

How far that goes: see `LIMIT`. It is a guard against mistakes (the wrong file), not against deceit, and no biometric
identification; look-alikes pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from inperson.reconstruct.perceptual import Perceptual
from inperson.tracking.observation import FaceObservation

LIMIT = 0.52
"""Largest distance between pictures of one person.

Measured on 13 webcam clips of four people in one session (the same light and room), pictures of three others, and
six avatars: five made from single frames of the clips, one shipped; all drawn in the clips' states. Of 16 pairs of
avatar and clip of one person none was above (0.27 to 0.51); of 80 pairs of different people 3 were below (0.49 at
least). Clip against clip the same person reached 0.37, different people went down to 0.45. The limit was chosen on
these very pictures, and four people in one light are few: other light may drive one person beyond it, and look-alikes
stay below.
"""
_SIDE = 64
"""Pixels of a straightened face."""
_PARTS = ((33, 133, 159, 145), (362, 263, 386, 374), (61, 291, 13, 14), (1, 2, 98, 327))
"""Points of the mesh whose means are the person's right eye, left eye, mouth and nose."""
_PLACES = np.array([[0.32, 0.36], [0.68, 0.36], [0.5, 0.76], [0.5, 0.58]])
"""Where those lie in a straightened face, as shares of its side."""
_CONTRAST = 0.2
_SHAPE_WEIGHT = 6.0
"""How much of a distance in shape is worth one of appearance: both then differ alike between people."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceDescriptor:
    """A face, as far as it is known."""

    shape: Float[np.ndarray, "478 3"]
    """The mesh, centred, with a root-mean-square radius of 1; turned like its first frame."""
    appearance: Float[np.ndarray, " D"]
    """Features of the straightened face, unit length (before the mean over frames)."""


def describe_faces(
    faces: Sequence[tuple[UInt8[np.ndarray, "H W 3"], FaceObservation]], perceptual: Perceptual
) -> FaceDescriptor:
    """What pictures of one person have in common.

    Args:
        faces: pictures with the face that was found in each, at least one.
        perceptual: whose features are used.
    """
    if not faces:
        raise ValueError("no face to describe")
    meshes = [_normalised(np.column_stack([face.pixels, face.depth])) for _, face in faces]
    shape = np.mean([_turned_onto(mesh, meshes[0]) for mesh in meshes], axis=0)
    chips = np.stack([_straightened(image, face) for image, face in faces])
    with torch.no_grad():
        features = perceptual.features(torch.from_numpy(chips.transpose(0, 3, 1, 2).copy()))[-1].flatten(1)
    features = features / features.norm(dim=1, keepdim=True)
    return FaceDescriptor(_normalised(shape), features.mean(dim=0).numpy())


def face_distance(a: FaceDescriptor, b: FaceDescriptor) -> float:
    """How unlike two faces are; compare with `LIMIT`."""
    shape = np.sqrt(np.square(_turned_onto(a.shape, b.shape) - b.shape).sum(axis=1).mean())
    return float(_SHAPE_WEIGHT * shape + np.linalg.norm(a.appearance - b.appearance))


def _normalised(points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    centred = points - points.mean(axis=0)
    return centred / np.sqrt(np.square(centred).sum(axis=1).mean())


def _turned_onto(points: Float[np.ndarray, "N 3"], others: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """The rotation onto the others that leaves the least squares (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(points.T @ others)
    return points @ u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt


def _straightened(image: UInt8[np.ndarray, "H W 3"], face: FaceObservation) -> Float[np.ndarray, "S S 3"]:
    """The face with its parts in their places, brightness and contrast evened out, 0 to 1."""
    found = np.array([face.pixels[list(part)].mean(axis=0) for part in _PARTS])
    to_chip, _ = cv2.estimateAffinePartial2D(found, _PLACES * _SIDE, method=cv2.LMEDS)
    chip = cv2.warpAffine(image, to_chip, (_SIDE, _SIDE), flags=cv2.INTER_AREA).astype(np.float32) / 255
    even = (chip - chip.mean(axis=(0, 1))) / np.maximum(chip.std(axis=(0, 1)), 1e-3) * _CONTRAST + 0.5
    return np.clip(even, 0.0, 1.0).astype(np.float32)
