"""The vertex order: hm08's, with a few swaps so that `smplx`'s hard-wired vertex ids hit the right spots.

`smplx` reads nose, eyes, ears, fingertips, toes and heels of every SMPL-X model at fixed vertex ids.
"""

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.body import JOINT_NAMES
from tools.build_body.makehuman import MakeHuman

SMPLX_VERTEX_IDS: dict[str, int] = dict(
    (
        *(("nose", 9120), ("reye", 9929), ("leye", 9448), ("rear", 616), ("lear", 6)),
        *(("rthumb", 8079), ("rindex", 7669), ("rmiddle", 7794), ("rring", 7905), ("rpinky", 8022)),
        *(("lthumb", 5361), ("lindex", 4933), ("lmiddle", 5058), ("lring", 5169), ("lpinky", 5286)),
        *(("LBigToe", 5770), ("LSmallToe", 5780), ("LHeel", 8846)),
        *(("RBigToe", 8463), ("RSmallToe", 8474), ("RHeel", 8635)),
    )
)


def smplx_permutation(landmarks: dict[str, int], num_vertices: int) -> Int[np.ndarray, " V"]:
    """`order` such that `vertices[order]` has each landmark at its id in `SMPLX_VERTEX_IDS`."""
    order = np.arange(num_vertices)
    for name, wanted in SMPLX_VERTEX_IDS.items():
        current = int(np.flatnonzero(order == landmarks[name])[0])
        order[[wanted, current]] = order[[current, wanted]]
    return order


def find_landmarks(
    mh: MakeHuman,
    vertices: Float[np.ndarray, "V 3"],
    joints: Float[np.ndarray, "55 3"],
    weights: Float[np.ndarray, "V 55"],
    hm08_index: Int[np.ndarray, " V"],
) -> dict[str, int]:
    """The vertices that `SMPLX_VERTEX_IDS` names, on the T-posed neutral body."""
    joint = {name: i for i, name in enumerate(JOINT_NAMES)}
    bone_weights = mh.weights[hm08_index]

    def farthest(where: np.ndarray, score: np.ndarray) -> int:
        return int(np.argmax(np.where(where, score, -np.inf)))

    x, y, z = vertices.T
    eye_height = joints[joint["left_eye"], 1]
    head = weights[:, joint["head"]] + weights[:, joint["jaw"]] > 0.5
    out = {"nose": farthest(head & (abs(x) < 0.01) & (y < eye_height) & (y > eye_height - 0.06), z)}
    for letter, side, sign in (("l", "left", 1.0), ("r", "right", -1.0)):
        out[f"{letter}eye"] = farthest(weights[:, joint[f"{side}_eye"]] > 0.5, z)
        out[f"{letter}ear"] = farthest(head & (x * sign > 0) & (abs(y - eye_height) < 0.05), abs(x))
        for finger in ("thumb", "index", "middle", "ring", "pinky"):
            last = joint[f"{side}_{finger}3"]
            along = (vertices - joints[last]) @ (joints[last] - joints[last - 1])
            out[f"{letter}{finger}"] = farthest(weights[:, last] > 0.5, along)
        foot = weights[:, joint[f"{side}_ankle"]] + weights[:, joint[f"{side}_foot"]] > 0.6
        upper = letter.upper()
        out[f"{upper}Heel"] = farthest(foot & (y < y[foot].min() + 0.03), -z)
        for toe, name in ((1, "BigToe"), (5, "SmallToe")):
            bones = [i for i, n in enumerate(mh.bone_names) if n.startswith(f"toe{toe}-") and n.endswith(upper)]
            out[f"{upper}{name}"] = farthest(foot & (bone_weights[:, bones].sum(1) > 0.4), z)
    if len(set(out.values())) != len(out):
        raise ValueError(f"two landmarks fell on one vertex: {out}")
    return out
