"""MakeHuman's rest A-pose to SMPL-X's T-pose.

Each bone gets one fixed rotation in the world, found once on the neutral person. Skinning with fixed
rotations is linear in vertices and bone heads, so shape and expression directions go through the same map.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from tools.build_body.makehuman import MakeHuman

CLAVICLE_RAISE, SHOULDER_RAISE = 4.0, 8.0
"""Degrees that the shoulder girdle rises in the T-pose. A real one rises more; but trackers report arms, not
clavicles, so whatever rises here stays risen when the arms hang down."""
_TWIST_SHARE = 0.6
"""Share of the limb's twist that the upper of its two bones takes."""


@dataclass(frozen=True)
class TPose:
    """World rotation of each bone, T-pose from rest, and the blended rotation of each vertex."""

    bone_rotations: Float[np.ndarray, "163 3 3"]
    bone_parents: np.ndarray
    weights: Float[np.ndarray, "n 163"]

    def bone_heads(self, heads: Float[np.ndarray, "k 163 3"]) -> Float[np.ndarray, "k 163 3"]:
        """T-posed bone heads."""
        out = np.empty_like(heads)
        for i, p in enumerate(self.bone_parents):
            out[:, i] = heads[:, i] if p < 0 else out[:, p] + (heads[:, i] - heads[:, p]) @ self.bone_rotations[p].T
        return out

    def apply(
        self, vertices: Float[np.ndarray, "k n 3"], heads: Float[np.ndarray, "k 163 3"]
    ) -> tuple[Float[np.ndarray, "k n 3"], Float[np.ndarray, "k 163 3"]]:
        """T-posed vertices and bone heads of k people (or k directions: the map is linear)."""
        posed_heads = self.bone_heads(heads)
        offsets = posed_heads - np.einsum("bij,kbj->kbi", self.bone_rotations, heads)
        blended = np.einsum("nb,bij->nij", self.weights, self.bone_rotations)
        return np.einsum("nij,knj->kni", blended, vertices) + np.einsum(
            "nb,kbi->kni", self.weights, offsets
        ), posed_heads


def find_tpose(mh: MakeHuman, heads: Float[np.ndarray, "163 3"], tails: Float[np.ndarray, "163 3"]) -> TPose:
    """Rotations that take a person's rest pose to the T-pose: arms along x, palms down, legs under the hips."""
    found: dict[str, np.ndarray] = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        found |= _arm(mh, heads, side, sign)
        found |= _fingers(mh, heads, tails, side, sign, found[f"wrist.{side}"])
        found |= _leg(mh, heads, side, sign)
    rotations = np.zeros((len(mh.bone_names), 3, 3))
    for i, name in enumerate(mh.bone_names):
        parent = mh.bone_parents[i]
        rotations[i] = found.get(name, np.eye(3) if parent < 0 else rotations[parent])
    return TPose(rotations, mh.bone_parents, mh.weights)


def _arm(mh: MakeHuman, heads: np.ndarray, side: str, sign: float) -> dict[str, np.ndarray]:
    shoulder, elbow, wrist = (heads[mh.bone(f"{b}.{side}")] for b in ("upperarm01", "lowerarm01", "wrist"))
    outward = np.array([sign, 0.0, 0.0])
    hinge = np.cross(elbow - shoulder, wrist - elbow)  # the elbow bends forward: about -y on the left
    target = _frame(outward, np.array([0.0, -sign, 0.0]))
    upper = target @ _frame(elbow - shoulder, hinge).T
    lower = target @ _frame(wrist - elbow, hinge).T
    index, middle, pinky = (heads[mh.bone(f"finger{f}-1.{side}")] for f in (2, 3, 5))
    back_of_hand = np.cross(index - wrist, pinky - wrist) * sign
    hand = _frame(outward, np.array([0.0, 1.0, 0.0])) @ _frame(middle - wrist, back_of_hand).T
    swing = _swing(elbow - shoulder, outward)
    return {
        f"clavicle.{side}": _about_z(CLAVICLE_RAISE * sign),
        f"shoulder01.{side}": _about_z((CLAVICLE_RAISE + SHOULDER_RAISE) * sign),
        f"upperarm01.{side}": _about_x(_TWIST_SHARE * _twist_about_x(upper @ swing.T)) @ swing,
        f"upperarm02.{side}": upper,
        f"lowerarm01.{side}": lower,
        f"lowerarm02.{side}": _about_x(_TWIST_SHARE * _twist_about_x(hand @ lower.T)) @ lower,
        f"wrist.{side}": hand,
    }


def _fingers(
    mh: MakeHuman, heads: np.ndarray, tails: np.ndarray, side: str, sign: float, hand: np.ndarray
) -> dict[str, np.ndarray]:
    """Nearly straight fingers, a little spread; the thumb stays as it rests on the hand."""
    out = {}
    for f in (2, 3, 4, 5):
        bones = [f"finger{f}-{k}.{side}" for k in (1, 2, 3)]
        points = [heads[mh.bone(b)] for b in bones] + [tails[mh.bone(bones[2])]]
        first = hand @ _unit(points[1] - points[0])
        yaw = 0.6 * np.arctan2(first[2], first[0] * sign)
        for k, bone in enumerate(bones):
            drop = np.deg2rad((4, 10, 14)[k])
            direction = np.array([sign * np.cos(yaw) * np.cos(drop), -np.sin(drop), np.sin(yaw) * np.cos(drop)])
            out[bone] = _swing(hand @ (points[k + 1] - points[k]), direction) @ hand
    return out


def _leg(mh: MakeHuman, heads: np.ndarray, side: str, sign: float) -> dict[str, np.ndarray]:
    hip, knee, ankle = (heads[mh.bone(f"{b}.{side}")] for b in ("upperleg01", "lowerleg01", "foot"))
    return {
        f"upperleg01.{side}": _swing(knee - hip, np.array([sign * 0.045, -1.0, 0.01])),
        f"lowerleg01.{side}": _swing(ankle - knee, np.array([sign * -0.01, -1.0, -0.03])),
        f"foot.{side}": np.eye(3),
    }


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


def _swing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The shortest rotation of direction a onto b."""
    a, b = _unit(a), _unit(b)
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis)
    return Rotation.from_rotvec(axis / max(sine, 1e-12) * np.arctan2(sine, a @ b)).as_matrix()


def _frame(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Columns x, y made orthogonal to it, x cross y."""
    x = _unit(x)
    y = _unit(y - x * (x @ y))
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _about_x(angle: float) -> np.ndarray:
    return Rotation.from_rotvec([angle, 0.0, 0.0]).as_matrix()


def _about_z(degrees: float) -> np.ndarray:
    return Rotation.from_rotvec([0.0, 0.0, np.deg2rad(degrees)]).as_matrix()


def _twist_about_x(R: np.ndarray) -> float:
    """Twist of R about x (swing-twist decomposition)."""
    x, _, _, w = Rotation.from_matrix(R).as_quat()
    return float(2 * np.arctan2(x, w))
