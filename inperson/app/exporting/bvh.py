"""BVH: the skeleton's hierarchy and its angles, frame by frame, as text.

Format: Biovision's, as described by Meredith and Maddock, "Motion Capture File Formats Explained" (2001). Centimetres
and degrees, y up, the person faces +z at rest; channels Zrotation Xrotation Yrotation, so a joint's rotation is
R = Rz Rx Ry; the root's position channels are the pelvis' place in the world, and its OFFSET is zero.
"""

import io

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.app.exporting.skeleton import PELVIS, Skeleton, SkeletonMotion

CENTIMETRES = 100.0
EULER_ORDER = "ZXY"
"""Intrinsic, as SciPy names it."""
END_SHARE = 0.7
"""A bone after the last joint is this much of the one before it."""
_DECIMALS = 6


def bvh_text(motion: SkeletonMotion, framerate: float) -> str:
    """The file.

    Args:
        motion: its frames are 1 / framerate apart.
    """
    order: list[int] = []
    out = io.StringIO()
    out.write("HIERARCHY\n")
    _joint(out, motion.skeleton, PELVIS, 0, order)
    out.write(f"MOTION\nFrames: {len(motion.places)}\nFrame Time: {1.0 / framerate:.9f}\n")
    columns = np.concatenate([motion.places[:, None] * CENTIMETRES, _degrees(motion.rotvecs)[:, order]], axis=1)
    np.savetxt(out, columns.reshape(len(columns), -1), fmt=f"%.{_DECIMALS}f")
    return out.getvalue()


def _joint(out: io.StringIO, skeleton: Skeleton, joint: int, depth: int, order: list[int]) -> None:
    order.append(joint)
    tab, root = "\t" * depth, joint == PELVIS
    offset = np.zeros(3) if root else skeleton.offsets[joint]
    channels = "6 Xposition Yposition Zposition" if root else "3"
    out.write(f"{tab}{'ROOT' if root else 'JOINT'} {skeleton.names[joint]}\n{tab}{{\n")
    out.write(f"{tab}\tOFFSET {_centimetres(offset)}\n")
    out.write(f"{tab}\tCHANNELS {channels} {' '.join(f'{axis}rotation' for axis in EULER_ORDER)}\n")
    for child in skeleton.children[joint]:
        _joint(out, skeleton, child, depth + 1, order)
    if not skeleton.children[joint]:
        end = _centimetres(END_SHARE * offset)
        out.write(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {end}\n{tab}\t}}\n")
    out.write(f"{tab}}}\n")


def _centimetres(offset: Float[np.ndarray, "3"]) -> str:
    return " ".join(f"{value * CENTIMETRES:.{_DECIMALS}f}" for value in offset)


def _degrees(rotvecs: Float[np.ndarray, "T 55 3"]) -> Float[np.ndarray, "T 55 3"]:
    """Euler angles that do not jump by a full turn from frame to frame: other programs draw curves through them."""
    angles = Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_euler(EULER_ORDER, degrees=True, suppress_warnings=True)
    return np.unwrap(angles.reshape(rotvecs.shape), period=360.0, axis=0)
