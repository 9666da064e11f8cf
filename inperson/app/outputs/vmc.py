"""VMC protocol 3.1, Performer to Marionette: root, bones, blendshapes (https://protocol.vmc.info/marionette-spec).

The root lies on the floor under the hips and never turns; the hips are above it. Positions of all other bones are
those of the body in the T-pose and change with nothing but its shape. Rotations are relative to the T-pose, in the
parent's axes: what the protocol calls normalised, which suits VRM 0 models and VRM 1.0 models with a control rig.
"""

from collections.abc import Iterator

import numpy as np

from inperson.app.outputs.blendshapes import ARKIT, PRESETS, ArkitFace, presets_of
from inperson.app.outputs.humanoid import BONES, PELVIS, HumanoidPose
from inperson.app.outputs.options import BlendshapeNames
from inperson.app.outputs.osc import FloatMessage, bundles
from inperson.app.outputs.shown import Shown, ShownPoses
from inperson.app.outputs.unity import mirror_points, unity_quat_xyzw
from inperson.avatar.body import BodyModel
from inperson.avatar.state import PARTS, BodyState

_BODY = PARTS.index("body")
_CALIBRATED, _NORMAL_MODE = 3, 0
_NO_TURN = (0.0, 0.0, 0.0, 1.0)
_APPLY = FloatMessage("/VMC/Ext/Blend/Apply", floats=0)()


class VmcPerformer:
    """States as the datagrams of a Performer.

    Args:
        body: whose states are sent.
        names: under which names the face is sent.
    """

    def __init__(self, body: BodyModel, names: tuple[BlendshapeNames, ...]) -> None:
        self._poses, self._face, self._names = ShownPoses(body), ArkitFace(body), names
        self._ok = [FloatMessage("/VMC/Ext/OK", 1, _CALIBRATED, _NORMAL_MODE, seen, floats=0)() for seen in (0, 1)]
        self._time = FloatMessage("/VMC/Ext/T", floats=1)
        self._root = FloatMessage("/VMC/Ext/Root/Pos", "root", floats=7)
        self._bones = [FloatMessage("/VMC/Ext/Bone/Pos", bone, floats=7) for bone in BONES]
        values = (*ARKIT, *PRESETS, *PRESETS.values())
        self._values = {name: FloatMessage("/VMC/Ext/Blend/Val", name, floats=1) for name in values}
        self._began_ns: int | None = None

    def __call__(self, shown: Shown) -> list[bytes]:
        """The datagrams of one state."""
        if self._began_ns is None:
            self._began_ns = shown.state.time_ns
        pose, origin = self._poses(shown)
        seen = bool(shown.state.confidence[_BODY] > 0.0)
        messages = [self._ok[seen], self._time((shown.state.time_ns - self._began_ns) / 1e9)]
        messages += self._skeleton(pose, pose.joints[PELVIS] - origin)
        if self._names:
            messages += [*self._blendshapes(shown.state), _APPLY]
        return bundles(messages)

    def _skeleton(self, pose: HumanoidPose, pelvis: np.ndarray) -> Iterator[bytes]:
        x, height, z = (float(value) for value in mirror_points(pelvis))
        yield self._root(x, 0.0, z, *_NO_TURN)
        places = mirror_points(pose.offsets)
        places[PELVIS] = 0.0, height, 0.0
        numbers = np.hstack([places, unity_quat_xyzw(pose.local)])
        for bone, place_and_turn in zip(self._bones, numbers.tolist(), strict=True):
            yield bone(*place_and_turn)

    def _blendshapes(self, state: BodyState) -> Iterator[bytes]:
        arkit = self._face.values(state)
        presets = presets_of(arkit)
        named = {
            "vrm0": {PRESETS[name]: value for name, value in presets.items()},
            "vrm1": presets,
            "arkit": arkit,
        }
        for kind in self._names:
            for name, value in named[kind].items():
                yield self._values[name](value)
