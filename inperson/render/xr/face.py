"""`FaceTracking`: the wearer's face as ARKit's coefficients, from the extension a headset offers."""

import ctypes
from contextlib import ExitStack
from typing import Protocol

import numpy as np
import xr

from inperson.render.xr import extensions
from inperson.render.xr.face_arkit import arkit_from_fb, arkit_from_htc_eyes, arkit_from_htc_lips
from inperson.render.xr.frames import FrameTiming
from inperson.render.xr.functions import extension_function
from inperson.render.xr.loss import destroy
from inperson.render.xr.runtime import XrRuntime
from inperson.render.xr.session import XrSession


class FaceTracking(Protocol):
    """A face tracker of one session."""

    def read(self, timing: FrameTiming) -> dict[str, float] | None:
        """ARKit's coefficients by name, 0 to 1, of the parts seen at display time; None while nothing is.

        Raises:
            RuntimeLost: the runtime went away.
        """
        ...

    def close(self) -> None:
        """Destroy the tracker; before the session, and once."""
        ...


def open_face_tracking(session: XrSession) -> FaceTracking | None:
    """The session's face tracking; None where the headset has none.

    Raises:
        RuntimeLost: the runtime went away.
    """
    runtime = session.runtime
    if extensions.FACE_TRACKING_FB in runtime.enabled and (sources := _fb_sources(runtime)):
        return FbFaceTracking(session, sources)
    if extensions.FACE_TRACKING_HTC in runtime.enabled and (kinds := _htc_kinds(runtime)):
        return HtcFaceTracking(session, kinds)
    return None


class FbFaceTracking:
    """Meta's face tracking (XR_FB_face_tracking2).

    Args:
        sources: what the runtime may use: cameras, the microphone.
    """

    def __init__(self, session: XrSession, sources: tuple[xr.FaceTrackingDataSource2FB, ...]) -> None:
        instance = session.runtime.instance
        self._get_weights = extension_function(instance, "xrGetFaceExpressionWeights2FB")
        self._answer = xr.FaceExpressionWeights2FB(
            weights=(ctypes.c_float * xr.FaceExpression2FB.COUNT)(),
            confidences=(ctypes.c_float * xr.FaceConfidence2FB.COUNT)(),
        )
        self._handle = xr.FaceTracker2FB()
        self._handle.instance = instance
        info = xr.FaceTrackerCreateInfo2FB(requested_data_sources=sources)
        create = extension_function(instance, "xrCreateFaceTracker2FB")
        create(session.handle, ctypes.byref(info), ctypes.byref(self._handle))

    def read(self, timing: FrameTiming) -> dict[str, float] | None:
        """As `FaceTracking.read`."""
        info = xr.FaceExpressionInfo2FB(time=timing.xr_time)
        self._get_weights(self._handle, ctypes.byref(info), ctypes.byref(self._answer))
        return face_from_fb(self._answer)

    def close(self) -> None:
        """As `FaceTracking.close`."""
        destroy(xr.destroy_face_tracker2_fb, self._handle)


def face_from_fb(answer: xr.FaceExpressionWeights2FB) -> dict[str, float] | None:
    """What xrGetFaceExpressionWeights2FB filled in, without the half of the face it has no confidence in."""
    if not answer.is_valid:
        return None
    confidences = answer.confidences
    face = arkit_from_fb(
        np.array(answer.weights, np.float32),
        upper=confidences[xr.FaceConfidence2FB.UPPER_FACE] > 0.0,
        lower=confidences[xr.FaceConfidence2FB.LOWER_FACE] > 0.0,
        gaze=bool(answer.is_eye_following_blendshapes_valid),
    )
    return face or None


class HtcFaceTracking:
    """HTC's eye and lip tracking (XR_HTC_facial_tracking).

    Args:
        kinds: which of the two the headset has.
    """

    def __init__(self, session: XrSession, kinds: tuple[xr.FacialTrackingTypeHTC, ...]) -> None:
        with ExitStack() as closing:
            self._trackers = []
            for kind in kinds:
                tracker = _HtcTracker(session, kind)
                closing.callback(tracker.close)
                self._trackers.append(tracker)
            self._closing = closing.pop_all()

    def read(self, timing: FrameTiming) -> dict[str, float] | None:
        """As `FaceTracking.read`; HTC's trackers answer for now, whatever the display time."""
        face: dict[str, float] = {}
        for tracker in self._trackers:
            face |= tracker.read()
        return face or None

    def close(self) -> None:
        """As `FaceTracking.close`."""
        self._closing.close()


class _HtcTracker:
    def __init__(self, session: XrSession, kind: xr.FacialTrackingTypeHTC) -> None:
        instance = session.runtime.instance
        self._kind = kind
        self._get_expressions = extension_function(instance, "xrGetFacialExpressionsHTC")
        self._answer = xr.FacialExpressionsHTC(expression_weightings=(ctypes.c_float * _HTC_COUNTS[kind])())
        self._handle = xr.FacialTrackerHTC()
        self._handle.instance = instance
        info = xr.FacialTrackerCreateInfoHTC(facial_tracking_type=kind)
        create = extension_function(instance, "xrCreateFacialTrackerHTC")
        create(session.handle, ctypes.byref(info), ctypes.byref(self._handle))

    def read(self) -> dict[str, float]:
        self._get_expressions(self._handle, ctypes.byref(self._answer))
        return face_from_htc(self._kind, self._answer)

    def close(self) -> None:
        destroy(xr.destroy_facial_tracker_htc, self._handle)


_HTC_COUNTS = {
    xr.FacialTrackingTypeHTC.EYE_DEFAULT: xr.FACIAL_EXPRESSION_EYE_COUNT_HTC,
    xr.FacialTrackingTypeHTC.LIP_DEFAULT: xr.FACIAL_EXPRESSION_LIP_COUNT_HTC,
}


def face_from_htc(kind: xr.FacialTrackingTypeHTC, answer: xr.FacialExpressionsHTC) -> dict[str, float]:
    """What xrGetFacialExpressionsHTC filled in; empty while that tracker sees nothing."""
    if not answer.is_active:
        return {}
    weights = np.array(answer.expression_weightings, np.float32)
    if kind == xr.FacialTrackingTypeHTC.EYE_DEFAULT:
        return arkit_from_htc_eyes(weights)
    return arkit_from_htc_lips(weights)


def _fb_sources(runtime: XrRuntime) -> tuple[xr.FaceTrackingDataSource2FB, ...]:
    properties = xr.SystemFaceTrackingProperties2FB()
    runtime.query_system(properties)
    supported = {
        xr.FaceTrackingDataSource2FB.VISUAL: properties.supports_visual_face_tracking,
        xr.FaceTrackingDataSource2FB.AUDIO: properties.supports_audio_face_tracking,
    }
    return tuple(source for source, offered in supported.items() if offered)


def _htc_kinds(runtime: XrRuntime) -> tuple[xr.FacialTrackingTypeHTC, ...]:
    properties = xr.SystemFacialTrackingPropertiesHTC()
    runtime.query_system(properties)
    supported = {
        xr.FacialTrackingTypeHTC.EYE_DEFAULT: properties.support_eye_facial_tracking,
        xr.FacialTrackingTypeHTC.LIP_DEFAULT: properties.support_lip_facial_tracking,
    }
    return tuple(kind for kind, offered in supported.items() if offered)
