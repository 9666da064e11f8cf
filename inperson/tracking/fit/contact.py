"""Which sample points of the arms are in touch with the trunk, found once per linearisation. Compiled."""

import numpy as np
from numba import njit

from inperson.tracking.fit.problem import Contacts
from inperson.tracking.fit.skeleton import attach, forward_joints

_EDGE = 0.25
"""Share of an ellipsoid's outline over which the in-front term fades in, so it does not jump there."""


@njit(cache=True, nogil=True)
def find_contacts(problem, rotations, transl):
    """Sample points inside an ellipsoid, and points the camera sees that lie behind its near side.

    Args:
        problem: `FitProblem`.
        rotations: (55, 3, 3) local rotations.
        transl: (3,) metres.

    Returns:
        `Contacts`.
    """
    t = problem.torso
    G, P = np.empty((len(rotations), 3, 3)), np.empty((len(rotations), 3))
    S = np.empty((len(t.sample_joint), 3))
    forward_joints(problem.skeleton, rotations, transl, G, P)
    attach(t.sample_joint, t.sample_offset, G, P, S)
    most = len(S) * len(t.joint)
    sample, ellipsoid = np.empty(most, np.int64), np.empty(most, np.int64)
    towards, weight = np.zeros((most, 3)), np.empty(most)
    n = 0
    for s in range(len(S)):
        distance = np.sqrt(S[s, 0] ** 2 + S[s, 1] ** 2 + S[s, 2] ** 2)
        for e in range(len(t.joint)):
            k = t.joint[e]
            qq, qv, vv = 0.0, 0.0, 0.0
            for a in range(3):
                radius = t.radii[e, a] + t.sample_radius[s]
                local, view = -t.centre[e, a], 0.0
                for b in range(3):
                    local += G[k, b, a] * (S[s, b] - P[k, b])
                    view -= G[k, b, a] * S[s, b] / distance
                q, v = local / radius, view / radius
                qq, qv, vv = qq + q * q, qv + q * v, vv + v * v
            sample[n], ellipsoid[n] = s, e
            if problem.sample_in_front[s]:
                # closest approach of the sight line to the centre: 0 through the middle, 1 at the outline
                outline = np.sqrt(max(qq - qv * qv / vv, 0.0))
                if outline >= 1.0 or (qq >= 1.0 and qv >= 0.0):
                    continue
                for b in range(3):
                    towards[n, b] = -S[s, b] / distance
                weight[n] = min((1.0 - outline) / _EDGE, 1.0)
            else:
                if qq >= 1.0:
                    continue
                weight[n] = 1.0
            n += 1
    return Contacts(sample[:n], ellipsoid[:n], towards[:n], weight[:n])
