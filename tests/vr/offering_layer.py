"""Headset parts that Monado has no device for, offered by an API layer of this process on top of it: two face
trackers, the eyes, and where hand joints come from.

The instance, the session and everything else stay Monado's; only the functions of these extensions are answered here,
through the loader, as a runtime that has such parts would.
"""

import ctypes
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xr

from tests.vr.recording import RecordingLayer


class OfferingLayer(RecordingLayer):
    """Enable it by its `name`, and tell the product's `XrRuntime` that the extensions are enabled.

    Args:
        folder: not there yet; for the layer's manifest.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.face_trackers: dict[int, tuple[int, ...]] = {}
        """The living ones by handle: Meta's data sources, or HTC's kind of tracker."""
        self.asked_times: list[int] = []
        """Display times Meta's tracker was asked for."""
        self.face_is_seen = True
        self.hand_source = xr.HandTrackingDataSourceEXT.CONTROLLER
        self.requested_hand_sources: list[tuple[int, ...]] = []
        """Of each hand tracker."""
        self._answers: dict[bytes, Any] = {}
        self._handles = itertools.count(0xFACE)

    def _get_instance_proc_addr(self, instance: Any, name: bytes, function: Any) -> int:
        answer = _ANSWERS.get(name.decode())
        if answer is None:
            return super()._get_instance_proc_addr(instance, name, function)
        if name not in self._answers:  # the loader asks before the client does, and keeps what it got
            self._answers[name] = self._answered(name, answer, instance, function)
        pointer = self._answers[name]
        ctypes.memmove(function, ctypes.byref(pointer), ctypes.sizeof(pointer))
        return int(xr.Result.SUCCESS)

    def _answered(self, name: bytes, answer: Callable[..., int], instance: Any, function: Any) -> Any:
        kind = getattr(xr, f"PFN_{name.decode()}")
        call_next = None
        if self._next_address(instance, name, function) == xr.Result.SUCCESS:
            call_next = ctypes.cast(ctypes.cast(function.contents, ctypes.c_void_p), kind)
        return kind(lambda *arguments: int(answer(self, call_next, *arguments)))

    # --- what is answered -----------------------------------------------------------------------------------------

    def _system_properties(self, call_next: Any, instance: Any, system: Any, properties: Any) -> int:
        result = call_next(instance, system, properties)
        for kind, fields in _SUPPORTED.items():
            found = _chained(properties.contents.next, kind)
            for field in fields if found is not None else ():
                setattr(found, field, 1)
        return result

    def _create_fb_tracker(self, call_next: Any, session: Any, info: Any, tracker: Any) -> int:
        return self._created(tracker, tuple(info.contents.requested_data_sources))

    def _create_htc_tracker(self, call_next: Any, session: Any, info: Any, tracker: Any) -> int:
        return self._created(tracker, (info.contents.facial_tracking_type.value,))

    def _destroy_tracker(self, call_next: Any, tracker: Any) -> int:
        del self.face_trackers[_number(tracker)]
        return xr.Result.SUCCESS

    def _fb_weights(self, call_next: Any, tracker: Any, info: Any, answer: Any) -> int:
        if _number(tracker) not in self.face_trackers:
            return xr.Result.ERROR_HANDLE_INVALID
        self.asked_times.append(info.contents.time)
        found = answer.contents
        if found.weight_count != xr.FaceExpression2FB.COUNT or found.confidence_count != xr.FaceConfidence2FB.COUNT:
            return xr.Result.ERROR_VALIDATION_FAILURE
        found.weights[:] = [k / len(found.weights) for k in range(len(found.weights))]
        found.confidences[:] = [1.0, 1.0]
        found.is_valid = found.is_eye_following_blendshapes_valid = self.face_is_seen
        return xr.Result.SUCCESS

    def _htc_expressions(self, call_next: Any, tracker: Any, answer: Any) -> int:
        (kind,) = self.face_trackers[_number(tracker)]
        found = answer.contents
        if found.expression_count != _HTC_COUNTS[kind]:
            return xr.Result.ERROR_VALIDATION_FAILURE
        found.expression_weightings[:] = [0.25] * found.expression_count
        found.is_active = self.face_is_seen
        return xr.Result.SUCCESS

    def _create_hand_tracker(self, call_next: Any, session: Any, info: Any, tracker: Any) -> int:
        requested = _chained(info.contents.next, xr.HandTrackingDataSourceInfoEXT)
        if requested is not None:
            self.requested_hand_sources.append(tuple(requested.requested_data_sources))
        return call_next(session, info, tracker)

    def _locate_joints(self, call_next: Any, tracker: Any, info: Any, locations: Any) -> int:
        result = call_next(tracker, info, locations)
        source = _chained(locations.contents.next, xr.HandTrackingDataSourceStateEXT)
        if source is not None:
            source.is_active, source.data_source = 1, self.hand_source
        return result

    def _created(self, tracker: Any, facts: tuple[int, ...]) -> int:
        handle = next(self._handles)
        self.face_trackers[handle] = facts
        ctypes.cast(tracker, ctypes.POINTER(ctypes.c_uint64)).contents.value = handle
        return xr.Result.SUCCESS


_SUPPORTED: dict[type, tuple[str, ...]] = {
    xr.SystemFaceTrackingProperties2FB: ("supports_visual_face_tracking", "supports_audio_face_tracking"),
    xr.SystemFacialTrackingPropertiesHTC: ("support_eye_facial_tracking", "support_lip_facial_tracking"),
    xr.SystemEyeGazeInteractionPropertiesEXT: ("supports_eye_gaze_interaction",),
}
_HTC_COUNTS = {
    xr.FacialTrackingTypeHTC.EYE_DEFAULT.value: xr.FACIAL_EXPRESSION_EYE_COUNT_HTC,
    xr.FacialTrackingTypeHTC.LIP_DEFAULT.value: xr.FACIAL_EXPRESSION_LIP_COUNT_HTC,
}
_ANSWERS: dict[str, Callable[..., int]] = {
    "xrGetSystemProperties": OfferingLayer._system_properties,
    "xrCreateFaceTracker2FB": OfferingLayer._create_fb_tracker,
    "xrDestroyFaceTracker2FB": OfferingLayer._destroy_tracker,
    "xrGetFaceExpressionWeights2FB": OfferingLayer._fb_weights,
    "xrCreateFacialTrackerHTC": OfferingLayer._create_htc_tracker,
    "xrDestroyFacialTrackerHTC": OfferingLayer._destroy_tracker,
    "xrGetFacialExpressionsHTC": OfferingLayer._htc_expressions,
    "xrCreateHandTrackerEXT": OfferingLayer._create_hand_tracker,
    "xrLocateHandJointsEXT": OfferingLayer._locate_joints,
}


def _chained(address: int | None, kind: type) -> Any:
    """The struct of a kind in a chain of `next` pointers, or None."""
    while address:
        found = ctypes.cast(address, ctypes.POINTER(xr.BaseOutStructure)).contents
        if found.type == kind().type:
            return ctypes.cast(address, ctypes.POINTER(kind)).contents
        address = ctypes.cast(found.next, ctypes.c_void_p).value if found.next else None
    return None


def _number(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
