"""`hm08.npz`: the whole MakeHuman base mesh, helpers included, in the shipped bodies' shape space.

Garments, hair and other proxies (.mhclo) are bound to hm08's vertices in the rest A-pose, then taken to the
T-pose with their own bone weights (mixed from the vertices they are bound to), and from there posed like the
body. Everything is linear in betas and expression:

    rest(b)  = rest_template + rest_shapedirs b + rest_exprdirs e        (19158, 3)
    heads(b) = bone_heads + bone_heads_shapedirs b                       (163, 3)
    posed_heads[i] = posed_heads[parent] + bone_rotations[parent] (heads[i] - heads[parent])
    tpose(v) = sum_b w_b (bone_rotations[b] (v - heads[b]) + posed_heads[b]) - origin

`body_order` says which hm08 vertex each body vertex is; `tpose(rest)[body_order]` is the body's mesh.
Templates, bone heads and origins come three at a time, in the order of `body_names`.
"""

from pathlib import Path

import numpy as np

from tools.build_body.body_npz import snap
from tools.build_body.pipeline import Common
from tools.build_body.skeleton import joint_of_bone


def write_hm08(path: Path, common: Common) -> None:
    """Write the arrays the module's docstring names, bone weights as a sparse list."""
    vertex, bone = np.nonzero(common.mh.weights)
    people = common.people.values()
    np.savez_compressed(
        path,
        body_names=np.array(list(common.people)),
        body_order=common.order.astype(np.uint16),
        rest_templates=np.stack([p.rest for p in people]).astype(np.float32),
        rest_shapedirs=snap(common.shape_space.rest_dirs),
        rest_exprdirs=snap(np.moveaxis(common.expression_units, 1, -1)),
        expr_names=np.array(common.mh.expression_names),
        bone_heads=np.stack([p.bone_heads for p in people]).astype(np.float32),
        bone_heads_shapedirs=common.shape_space.head_dirs.astype(np.float32),
        bone_names=np.array(common.mh.bone_names),
        bone_parents=common.mh.bone_parents.astype(np.int16),
        bone_rotations=common.tpose.bone_rotations.astype(np.float32),
        bone_joints=joint_of_bone(common.mh).astype(np.uint8),
        origins=np.stack([p.origin for p in people]).astype(np.float32),
        weight_vertices=vertex.astype(np.uint16),
        weight_bones=bone.astype(np.uint8),
        weight_values=common.mh.weights[vertex, bone].astype(np.float32),
    )
