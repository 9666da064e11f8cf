"""`XrRuntime`: the OpenXR instance and its headset, and what they offer."""

import ctypes
import importlib.metadata
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
from inperson.render.xr.loss import noticing_loss

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
        with _runtime_answers():
            offered = {_text(e.extension_name) for e in xr.enumerate_instance_extension_properties()}
        needed = {GRAPHICS_EXTENSIONS[binding][0], *GRAPHICS_EXTENSIONS[binding], extensions.CLOCK}
        if missing := sorted(needed - offered):
            raise DeviceError(f"the OpenXR runtime lacks {', '.join(missing)}", _OTHER_RUNTIME)
        enabled = needed | (offered & set(extensions.OPTIONAL))
        create_info = xr.InstanceCreateInfo(
            application_info=xr.ApplicationInfo(
                application_name="InPerson",
                application_version=xr.Version(importlib.metadata.version("inperson")),
                engine_name="InPerson",
                api_version=xr.Version(1, 0, 0),
            ),
            enabled_extension_names=sorted(enabled),
            enabled_api_layer_names=list(api_layers),
        )
        with _runtime_answers():
            instance = xr.create_instance(create_info)
        try:
            with _runtime_answers():
                system_id = xr.get_system(instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
                info = _read_info(instance, system_id, offered)
        except BaseException:
            _destroy(instance)
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
            result = raw_functions.xrGetSystemProperties(self.instance, self.system_id, ctypes.byref(system))
            checked = exception.check_result(xr.Result(result))
            if checked.is_exception():
                raise checked

    def close(self) -> None:
        """Destroy the instance and all that was made from it; a second time, or after a loss, does no harm."""
        if not self._closed:
            self._closed = True
            _destroy(self.instance)


def describe_runtime(binding: GraphicsKind = "egl") -> RuntimeInfo:
    """What the active runtime and its headset offer, refresh rates included (this takes a brief session).

    Raises:
        DeviceError: as `XrRuntime.open` and `open_graphics`.
        RuntimeLost: the runtime went away in between.
    """
    raise NotImplementedError


_OTHER_RUNTIME = "update it, or make another one active (XR_RUNTIME_JSON=/path/to/its.json)"


@contextmanager
def _runtime_answers() -> Iterator[None]:
    """What keeps an instance from being made, with the mend."""
    try:
        with noticing_loss():
            yield
    except exception.ResultException:
        raise


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


def _destroy(instance: xr.Instance) -> None:
    try:
        xr.destroy_instance(instance)
    except exception.ErrorResult:
        pass


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
