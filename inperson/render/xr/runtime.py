"""`XrRuntime`: the OpenXR instance and its headset, and what they offer."""

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import xr
import xr.api_layer
from xr import exception, raw_functions

from inperson.errors import DeviceError
from inperson.render.xr import extensions
from inperson.render.xr.graphics import GRAPHICS_EXTENSIONS, GraphicsKind
from inperson.render.xr.loss import check, destroy, noticing_loss

STEREO = xr.ViewConfigurationType.PRIMARY_STEREO


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """What a runtime and its headset say of themselves."""

    name: str
    version: str
    system: str
    """The headset's name."""
    extensions: tuple[str, ...]
    """Offered, sorted."""
    eye_size: tuple[int, int]
    """Width and height recommended for each eye, pixels."""
    max_eye_size: tuple[int, int]
    blend_modes: tuple[str, ...]
    """OPAQUE, ADDITIVE, ALPHA_BLEND; the runtime's favourite first."""
    refresh_rates: tuple[float, ...] = ()
    """Hertz, rising; only a session knows them, so they are empty outside `describe_runtime`."""


class XrRuntime:
    """An OpenXR instance with a headset. Made by `open`; close it after its sessions. Use from one thread."""

    def __init__(self, instance: xr.Instance, system_id: xr.SystemId, enabled: frozenset[str], info: RuntimeInfo):
        self.instance = instance
        self.system_id = system_id
        self.enabled = enabled
        """Names of the extensions in use (`inperson.render.xr.extensions`)."""
        self.info = info
        self._closed = False

    @classmethod
    def open(cls, binding: GraphicsKind = "egl", *, api_layers: Sequence[str] = ()) -> Self:
        """Connect to the machine's active OpenXR runtime (its manifest, or `XR_RUNTIME_JSON`).

        Args:
            binding: how the session will share OpenGL with the runtime; its extension is needed.
            api_layers: such as XR_APILAYER_LUNARG_core_validation, which comes with pyopenxr.

        Raises:
            DeviceError: no runtime, no service behind it, no headset, or a needed extension is missing.
            RuntimeLost: the runtime went away in between.
        """
        os.environ.setdefault("XR_LOADER_DEBUG", "none")  # the loader would explain on stderr what is raised here
        with _mending():
            offered = {_text(e.extension_name) for e in xr.enumerate_instance_extension_properties()}
        needed = {GRAPHICS_EXTENSIONS[binding][0], *GRAPHICS_EXTENSIONS[binding], extensions.CLOCK}
        if missing := sorted(needed - offered):
            raise DeviceError(f"the OpenXR runtime lacks {', '.join(missing)}", _OTHER_RUNTIME)
        enabled = needed | (offered & set(extensions.OPTIONAL))
        create_info = xr.InstanceCreateInfo(
            application_info=xr.ApplicationInfo(
                application_name="InPerson",
                engine_name="InPerson",
                api_version=xr.Version(1, 0, 0),
            ),
            enabled_extension_names=sorted(enabled),
            enabled_api_layer_names=list(api_layers),
        )
        with _mending():
            instance = xr.create_instance(create_info)
        try:
            with _mending():
                system_id = xr.get_system(instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
                info = _read_info(instance, system_id, offered)
        except BaseException:
            destroy(xr.destroy_instance, instance)
            raise
        return cls(instance, system_id, frozenset(enabled), info)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def query_system(self, properties: ctypes.Structure) -> None:
        """Let the runtime fill an extension's properties of this headset (XrSystemHandTrackingPropertiesEXT, ...).

        Raises:
            RuntimeLost: the runtime went away.
        """
        system = xr.SystemProperties(next=ctypes.cast(ctypes.pointer(properties), ctypes.c_void_p))
        with noticing_loss():
            check(raw_functions.xrGetSystemProperties(self.instance, self.system_id, ctypes.byref(system)))

    def close(self) -> None:
        """Destroy the instance and all that was made from it; a second time, or after a loss, does no harm."""
        if not self._closed:
            self._closed = True
            destroy(xr.destroy_instance, self.instance)


_OTHER_RUNTIME = "update it, or make another one active (XR_RUNTIME_JSON=/path/to/its.json)"

_MENDS: dict[type[exception.ResultException], tuple[str, str]] = {
    exception.RuntimeUnavailableError: (
        "no OpenXR runtime is active",
        "install one (SteamVR, or Monado) or set XR_RUNTIME_JSON=/path/to/its.json",
    ),
    exception.RuntimeFailureError: (
        "the OpenXR runtime's service does not answer",
        "start it (SteamVR, or monado-service)",
    ),
    exception.FormFactorUnavailableError: ("no headset is connected", "plug it in, switch it on and try again"),
    exception.FormFactorUnsupportedError: ("the OpenXR runtime drives no headsets", _OTHER_RUNTIME),
    exception.ApiVersionUnsupportedError: ("the OpenXR runtime does not speak OpenXR 1.0", _OTHER_RUNTIME),
    exception.ApiLayerNotPresentError: (
        "an OpenXR API layer is not installed",
        "check its name and XR_API_LAYER_PATH",
    ),
}


@contextmanager
def _mending() -> Iterator[None]:
    """Turn what keeps an instance from being made into a DeviceError with the mend."""
    with noticing_loss():
        try:
            yield
        except tuple(_MENDS) as error:
            raise DeviceError(*_MENDS[type(error)]) from error


def _read_info(instance: xr.Instance, system_id: xr.SystemId, offered: set[str]) -> RuntimeInfo:
    runtime = xr.get_instance_properties(instance)
    system = xr.get_system_properties(instance, system_id)
    eye = xr.enumerate_view_configuration_views(instance, system_id, STEREO)[0]
    modes = xr.enumerate_environment_blend_modes(instance, system_id, STEREO)
    return RuntimeInfo(
        name=_text(runtime.runtime_name),
        version=str(xr.Version(runtime.runtime_version)),
        system=_text(system.system_name),
        extensions=tuple(sorted(offered)),
        eye_size=(eye.recommended_image_rect_width, eye.recommended_image_rect_height),
        max_eye_size=(eye.max_image_rect_width, eye.max_image_rect_height),
        blend_modes=tuple(xr.EnvironmentBlendMode(mode).name for mode in modes),
    )


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
