"""What a runtime reports between frames: its event buffers as small frozen dataclasses."""

import ctypes
from dataclasses import dataclass
from enum import Enum
from typing import Any

import xr


class SessionState(Enum):
    """XrSessionState."""

    UNKNOWN = 0
    IDLE = 1
    """Exists, but draws nothing: headset off the head, another application in front, before and after running."""
    READY = 2
    """The runtime wants the session to begin."""
    SYNCHRONIZED = 3
    """Frames are timed, but not shown."""
    VISIBLE = 4
    """Shown, without input."""
    FOCUSED = 5
    """Shown, with input."""
    STOPPING = 6
    """The runtime wants the session to end."""
    LOSS_PENDING = 7
    """The runtime is going away."""
    EXITING = 8
    """The user or the application wants to leave for good."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session is in a new state."""

    state: SessionState


@dataclass(frozen=True, slots=True)
class InstanceLossPending:
    """The runtime will go away at `loss_xr_time`."""

    loss_xr_time: int


@dataclass(frozen=True, slots=True)
class ReferenceSpaceChanged:
    """The runtime moves the origin of a reference space: the wearer recentred in its own menu."""

    space: xr.ReferenceSpaceType
    change_xr_time: int


@dataclass(frozen=True, slots=True)
class InteractionProfileChanged:
    """Controllers came, went or were exchanged."""


@dataclass(frozen=True, slots=True)
class VisibilityMaskChanged:
    """The hidden area of an eye (0 left, 1 right) has another shape."""

    eye: int


@dataclass(frozen=True, slots=True)
class RefreshRateChanged:
    """The display runs at another rate, hertz."""

    from_rate: float
    to_rate: float


@dataclass(frozen=True, slots=True)
class EventsLost:
    """The runtime's queue overflowed; this many events are gone."""

    count: int


Event = (
    StateChanged
    | InstanceLossPending
    | ReferenceSpaceChanged
    | InteractionProfileChanged
    | VisibilityMaskChanged
    | RefreshRateChanged
    | EventsLost
)


def parse_event(buffer: xr.EventDataBuffer) -> Event | None:
    """One event; None for kinds that nothing here reacts to."""
    try:
        kind = buffer.type
    except ValueError:  # of an extension that pyopenxr does not know
        return None
    match kind:
        case xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED:
            return StateChanged(SessionState(_as(xr.EventDataSessionStateChanged, buffer).state.value))
        case xr.StructureType.EVENT_DATA_INSTANCE_LOSS_PENDING:
            return InstanceLossPending(_as(xr.EventDataInstanceLossPending, buffer).loss_time)
        case xr.StructureType.EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING:
            change = _as(xr.EventDataReferenceSpaceChangePending, buffer)
            return ReferenceSpaceChanged(change.reference_space_type, change.change_time)
        case xr.StructureType.EVENT_DATA_INTERACTION_PROFILE_CHANGED:
            return InteractionProfileChanged()
        case xr.StructureType.EVENT_DATA_VISIBILITY_MASK_CHANGED_KHR:
            return VisibilityMaskChanged(_as(xr.EventDataVisibilityMaskChangedKHR, buffer).view_index)
        case xr.StructureType.EVENT_DATA_DISPLAY_REFRESH_RATE_CHANGED_FB:
            rates = _as(xr.EventDataDisplayRefreshRateChangedFB, buffer)
            return RefreshRateChanged(rates.from_display_refresh_rate, rates.to_display_refresh_rate)
        case xr.StructureType.EVENT_DATA_EVENTS_LOST:
            return EventsLost(_as(xr.EventDataEventsLost, buffer).lost_event_count)
        case _:
            return None


def _as(kind: type, buffer: xr.EventDataBuffer) -> Any:
    return ctypes.cast(ctypes.byref(buffer), ctypes.POINTER(kind)).contents
