"""`HeadsetPose`: what a headset knows of its wearer at one instant. What `render.xr` reads and fusion uses."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

HAND_JOINTS = (
    *("palm", "wrist"),
    *("thumb_metacarpal", "thumb_proximal", "thumb_distal", "thumb_tip"),
    *("index_metacarpal", "index_proximal", "index_intermediate", "index_distal", "index_tip"),
    *("middle_metacarpal", "middle_proximal", "middle_intermediate", "middle_distal", "middle_tip"),
    *("ring_metacarpal", "ring_proximal", "ring_intermediate", "ring_distal", "ring_tip"),
    *("little_metacarpal", "little_proximal", "little_intermediate", "little_distal", "little_tip"),
)
"""XrHandJointEXT, in its order. A joint's own frame: -z runs along the bone towards the tip, +y out of the back of
the hand, and +x to the right (XR_EXT_hand_tracking)."""


@dataclass(frozen=True, slots=True)
class HandJoints:
    """One tracked hand: the 26 joints of `HAND_JOINTS` in the play space, float32."""

    positions: Float[np.ndarray, "26 3"]
    """Metres."""
    quats_xyzw: Float[np.ndarray, "26 4"]
    """T_play_from_joint's rotation, unit length."""
    radii: Float[np.ndarray, "26"]
    """From the joint to the skin, metres."""
    valid: Bool[np.ndarray, "26"]
    """Joints whose position and orientation the runtime vouches for; the others hold no meaning."""
    from_controller: bool | None = None
    """Whether a held controller's sensors were turned into this hand, instead of the hand being seen; None where the
    runtime does not say (XR_EXT_hand_tracking_data_source)."""


@dataclass(frozen=True, slots=True)
class HeadsetPose:
    """Everything located for one display time, in the play space: origin on the floor below where the wearer was
    recentred, y up, -z where they looked. A part the headset does not have, or lost, is None."""

    time_ns: int
    """The display time it was located for, monotonic nanoseconds."""
    T_play_from_head: Float[np.ndarray, "4 4"] | None
    """The VIEW space: between the eyes, looking along its -z."""
    T_play_from_left_grip: Float[np.ndarray, "4 4"] | None = None
    T_play_from_right_grip: Float[np.ndarray, "4 4"] | None = None
    """Controllers' grip poses (OpenXR's `grip/pose`)."""
    left_hand: HandJoints | None = None
    right_hand: HandJoints | None = None
    T_play_from_gaze: Float[np.ndarray, "4 4"] | None = None
    """Where the eyes look: along its -z (XR_EXT_eye_gaze_interaction)."""
    face: dict[str, float] | None = None
    """ARKit's coefficients by name, 0 to 1, from a face-tracking extension."""
