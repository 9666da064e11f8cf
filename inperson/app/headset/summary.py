"""One line that says what an OpenXR runtime and its headset offer, for `inperson doctor` and `devices`."""

from collections.abc import Sequence
from typing import Protocol

WHAT_FOR = {
    "XR_EXT_local_floor": "where the floor is",
    "XR_KHR_composition_layer_depth": "depth, for steadier reprojection",
    "XR_KHR_visibility_mask": "not drawing what the lenses hide",
    "XR_FB_display_refresh_rate": "choosing the refresh rate",
    "XR_EXT_hand_tracking": "fingers",
    "XR_EXT_hand_tracking_data_source": "telling hands from controllers",
    "XR_EXT_hand_interaction": "pinching as a button",
    "XR_EXT_eye_gaze_interaction": "gaze",
    "XR_FB_face_tracking2": "the face",
    "XR_HTC_facial_tracking": "the face",
}
"""What the extensions used here are used for."""

BETWEEN = "; "
"""Between the parts of the line, so that `devices` can put each on a line of its own."""


class Offer(Protocol):
    """`render.xr.runtime.RuntimeInfo`, without needing the `vr` extra to be installed."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def extensions(self) -> tuple[str, ...]: ...
    @property
    def eye_size(self) -> tuple[int, int]: ...
    @property
    def blend_modes(self) -> tuple[str, ...]: ...
    @property
    def refresh_rates(self) -> tuple[float, ...]: ...


def summarise(offer: Offer, wanted: Sequence[str]) -> str:
    """Runtime, headset, and which of the extensions used here it offers and which it lacks.

    Args:
        offer: what `describe_runtime` found.
        wanted: names of the extensions used where they are offered.
    """
    rates = " or ".join(f"{rate:g}" for rate in offer.refresh_rates)
    used = [name for name in wanted if name in offer.extensions]
    lacking = [f"{name} ({WHAT_FOR[name]})" for name in wanted if name not in offer.extensions]
    parts = [
        f"runtime {offer.name} {offer.version}",
        f"headset {offer.system}",
        f"{offer.eye_size[0]}x{offer.eye_size[1]} pixels for each eye",
        f"{rates} Hz" if rates else "a refresh rate of its own choice",
        f"blends {', '.join(offer.blend_modes)}",
        f"{len(offer.extensions)} extensions, used of them: {', '.join(used) or 'none'}",
    ]
    if lacking:
        parts.append(f"not offered: {', '.join(lacking)}")
    return BETWEEN.join(part.replace(BETWEEN, ", ") for part in parts)
