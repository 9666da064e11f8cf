"""Splat scenes as PLY, in the layout of the first 3D-Gaussian-splatting program (Kerbl et al. 2023)."""

import io

import numpy as np
from plyfile import PlyData, PlyElement

from inperson.avatar.splats import SplatScene

FRAME_COMMENT = "metres, right-handed, y up, a person in T-pose faces +z; colours sRGB-encoded"


def ply_bytes(scene: SplatScene) -> bytes:
    """Binary little-endian PLY with one float a property.

    x y z, nx ny nz, f_dc_0..2 (the first harmonic's red, green, blue), f_rest_* (all the others' red, then green,
    then blue), opacity (logit), scale_0..2 (natural logarithm), rot_0..3 (wxyz).
    """
    rest = np.swapaxes(scene.sh[:, 1:], 1, 2).reshape(len(scene.sh), -1)
    columns = {
        ("x", "y", "z"): scene.means,
        ("nx", "ny", "nz"): scene.normals,
        _numbered("f_dc", 3): scene.sh[:, 0],
        _numbered("f_rest", rest.shape[1]): rest,
        ("opacity",): scene.logits[:, None],
        _numbered("scale", 3): scene.log_scales,
        _numbered("rot", 4): scene.quats,
    }
    names = [name for group in columns for name in group]
    table = np.concatenate([*columns.values()], axis=1, dtype="<f4")
    vertices = np.ascontiguousarray(table).view([(name, "<f4") for name in names]).reshape(-1)
    name = scene.name.encode("ascii", "replace").decode()  # PLY headers are ASCII
    comments = [f"avatar {name}, exported by InPerson", FRAME_COMMENT]
    out = io.BytesIO()
    PlyData([PlyElement.describe(vertices, "vertex")], byte_order="<", comments=comments).write(out)
    return out.getvalue()


def _numbered(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}_{n}" for n in range(count))
