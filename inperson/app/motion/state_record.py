"""A `BodyState` as a record of a mailbox."""

import numpy as np

from inperson.avatar.state import PARTS, BodyState, Source

_ARRAYS = (
    *("betas", "global_orient", "transl", "body_pose", "left_hand_pose", "right_hand_pose"),
    *("jaw_pose", "leye_pose", "reye_pose", "expression", "confidence"),
)


def state_dtype(num_betas: int, num_expression: int) -> np.dtype:
    """The record of a state of a body with these numbers of coefficients."""
    rest = BodyState.rest(num_betas, num_expression)
    return np.dtype(
        [
            *((name, np.float32, getattr(rest, name).shape) for name in _ARRAYS),
            ("source", np.int64, len(PARTS)),
            ("time_ns", np.int64),
        ]
    )


def pack_state(state: BodyState, dtype: np.dtype) -> np.ndarray:
    """A record (shape ()) of `dtype`, which may have more fields than `state_dtype`: those are zero."""
    record = np.zeros((), dtype)
    for name in _ARRAYS:
        record[name] = getattr(state, name)
    record["source"] = state.source
    record["time_ns"] = state.time_ns
    return record


def unpack_state(record: np.ndarray) -> BodyState:
    """The inverse of `pack_state`; arrays are views of `record`."""
    return BodyState(
        **{name: record[name] for name in _ARRAYS},
        source=tuple(Source(int(s)) for s in record["source"]),
        time_ns=int(record["time_ns"]),
    )
