"""VRChat's OSC trackers: eight and the head (https://docs.vrchat.com/docs/osc-trackers).

Positions in metres and Euler angles in degrees, in Unity's axes and order. A tracker's number says nothing: VRChat
finds out by where trackers are when the user calibrates. Rotations are zero in the T-pose, facing along z. The head
tells VRChat how this space lies to its own: position to match, and slowly the heading.
"""

from inperson.app.outputs.humanoid import BONES
from inperson.app.outputs.options import TrackerName
from inperson.app.outputs.osc import FloatMessage, bundles
from inperson.app.outputs.shown import Shown, ShownPoses
from inperson.app.outputs.unity import mirror_points, unity_euler_deg
from inperson.avatar.body import BodyModel

TRACKERS: dict[TrackerName, tuple[tuple[str, str], ...]] = {
    "hip": (("Hips", "Hips"),),
    "chest": (("UpperChest", "UpperChest"),),
    "feet": (("LeftFoot", "LeftFoot"), ("RightFoot", "RightFoot")),
    "knees": (("LeftLowerLeg", "LeftUpperLeg"), ("RightLowerLeg", "RightUpperLeg")),
    "elbows": (("LeftLowerArm", "LeftUpperArm"), ("RightLowerArm", "RightUpperArm")),
}
"""Where each tracker is (the head of a bone) and what it turns with: knees and elbows with the limb above them."""
HEAD = "head"


class VrchatTrackers:
    """States as VRChat's trackers.

    Args:
        body: whose states are sent.
        trackers: which, besides the head. They are numbered in `TRACKERS`' order.
        height: of the person, metres; None for the height that tracking found.
    """

    def __init__(self, body: BodyModel, trackers: tuple[TrackerName, ...], height: float | None) -> None:
        self._poses, self._height = ShownPoses(body), height
        pairs = [pair for name in TRACKERS if name in trackers for pair in TRACKERS[name]]
        self._at = [BONES.index(bone) for bone, _ in pairs] + [BONES.index("Head")]
        self._turns_with = [BONES.index(bone) for _, bone in pairs] + [BONES.index("Head")]
        names = [*(str(number) for number in range(1, len(pairs) + 1)), HEAD]
        self._messages = [
            tuple(FloatMessage(f"/tracking/trackers/{name}/{what}", floats=3) for what in ("position", "rotation"))
            for name in names
        ]

    def __call__(self, shown: Shown) -> list[bytes]:
        """The datagrams of one state."""
        pose, origin = self._poses(shown)
        places = mirror_points(pose.joints[self._at] - origin)
        if self._height is not None:
            places *= self._height / self._poses.humanoid.height(shown.state.betas)
        turns = unity_euler_deg(pose.world[self._turns_with])
        messages = []
        for (position, rotation), place, turn in zip(self._messages, places.tolist(), turns.tolist(), strict=True):
            messages += [position(*place), rotation(*turn)]
        return bundles(messages)
