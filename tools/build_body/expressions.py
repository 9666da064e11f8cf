"""ARKit's 52 face units as directions of the T-posed mesh."""

import numpy as np
from jaxtyping import Float

from tools.build_body.makehuman import MakeHuman
from tools.build_body.topology import EYES_RANGE
from tools.build_body.tpose import TPose


def build_expressions(mh: MakeHuman, tpose: TPose) -> Float[np.ndarray, "n 3 52"]:
    """All hm08 vertices per unit of each face unit.

    Eyeballs are left out: gaze belongs to `leye_pose` and `reye_pose` alone, `eyeLook*` moves the lids.
    """
    units = mh.expression_dirs.copy()
    units[:, EYES_RANGE] = 0.0
    posed, _ = tpose.apply(units, np.zeros((len(units), len(mh.bone_names), 3)))
    return np.moveaxis(posed, 0, -1)
