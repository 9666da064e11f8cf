"""Every OpenXR call that matters, as the runtime answered it: an API layer of this process's own.

The layer sits between the product and the loader's next layer, so it sees what is really called and what comes back,
whichever way the product calls it. `call_rules.violations` judges what was recorded.
"""

import ctypes
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xr
from xr.api_layer.loader_interfaces import PFN_xrCreateApiLayerInstance

FRAME_CALLS = ("xrWaitFrame", "xrBeginFrame", "xrEndFrame", "xrLocateViews", "xrLocateSpace", "xrPollEvent")
SWAPCHAIN_CALLS = ("xrAcquireSwapchainImage", "xrWaitSwapchainImage", "xrReleaseSwapchainImage")
SESSION_CALLS = ("xrBeginSession", "xrEndSession", "xrRequestExitSession", "xrSyncActions")
_serial = itertools.count()


@dataclass(frozen=True)
class Projected:
    """One view of a submitted projection layer."""

    quat_xyzw: tuple[float, float, float, float]
    position: tuple[float, float, float]
    fov: tuple[float, float, float, float]
    swapchain: int
    rectangle: tuple[int, int, int, int]
    layer: int
    depth: tuple[int, float, float, float, float] | None
    """Swapchain, min_depth, max_depth, near_z, far_z."""


@dataclass(frozen=True)
class Call:
    """One call and its answer; fields beside the first three are filled where the call has such a thing."""

    name: str
    handle: int
    """The first argument."""
    result: xr.Result
    created: int | None = None
    """The new handle of an xrCreate call."""
    time: int | None = None
    """Predicted (xrWaitFrame), asked for (xrLocate...) or submitted (xrEndFrame) display time."""
    views: tuple[tuple[float, ...], ...] = ()
    """Located by xrLocateViews: quaternion xyzw, position, field of view of each."""
    layers: tuple[tuple[Projected, ...], ...] = ()
    """Submitted by xrEndFrame."""
    size: tuple[int, int] | None = None
    """Of a created swapchain."""
    state: xr.SessionState | None = None
    """Polled by xrPollEvent."""


@dataclass
class Recording:
    """The calls of one or several instances, in order."""

    calls: list[Call] = field(default_factory=list)

    def of(self, name: str) -> list[Call]:
        """The calls of one function."""
        return [call for call in self.calls if call.name == name]


class RecordingLayer(xr.DynamicApiLayerBase):
    """Put its `name` first among the enabled API layers. Lives as long as the process: a loader may keep it.

    Args:
        folder: not there yet; for the layer's manifest.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(name=f"XR_APILAYER_INPERSON_recording_{next(_serial)}", json_path=str(folder))
        self.recording = Recording()
        self._next_address: Any = None
        self._hooks: dict[str, Any] = {}
        self._find = xr.PFN_xrGetInstanceProcAddr(self._get_instance_proc_addr)
        self._create = PFN_xrCreateApiLayerInstance(self._create_instance)
        _alive.append(self)

    def negotiate_loader_api_layer_interface(self, loader_info: Any, layer_name: str, api_layer_request: Any) -> Any:
        """Answer the loader with our two entries."""
        api_layer_request.layer_interface_version = xr.api_layer.CURRENT_LOADER_API_LAYER_VERSION
        api_layer_request.layer_api_version = xr.XR_CURRENT_API_VERSION
        api_layer_request.get_instance_proc_addr = self._find
        api_layer_request.create_api_layer_instance = self._create
        return xr.Result.SUCCESS

    def _create_instance(self, info: Any, layer_info: Any, instance: Any) -> int:
        following = layer_info.contents.next_info.contents
        # A pointer of its own: `layer_info` is the loader's, and gone when this returns.
        address = ctypes.cast(following.next_get_instance_proc_addr, ctypes.c_void_p)
        self._next_address = ctypes.cast(address, xr.PFN_xrGetInstanceProcAddr)
        passed_on = type(layer_info.contents).from_buffer_copy(layer_info.contents)
        passed_on.next_info = following.next
        result = following.next_create_api_layer_instance(info, ctypes.pointer(passed_on), instance)
        self._hooks = {}
        created = ctypes.cast(instance, ctypes.POINTER(ctypes.c_uint64)).contents.value
        self.recording.calls.append(Call("xrCreateInstance", 0, xr.Result(result), created=created))
        return int(result)

    def _get_instance_proc_addr(self, instance: Any, name: bytes, function: Any) -> int:
        result = self._next_address(instance, name, function)
        if result == xr.Result.SUCCESS and _recorded(name.decode()):
            hook = self._hooks.get(name.decode()) or self._hook(name.decode(), function.contents)
            ctypes.memmove(function, ctypes.byref(hook), ctypes.sizeof(hook))
        return int(result)

    def _hook(self, name: str, following: Any) -> Any:
        kind = getattr(xr, f"PFN_{name}")
        # A pointer of its own: `following` lives in the caller's memory, which is about to be overwritten.
        call_next = ctypes.cast(ctypes.cast(following, ctypes.c_void_p), kind)
        read: Callable[..., dict[str, Any]] = _READERS.get(name, _read_created if "Create" in name else _read_nothing)

        def hook(*arguments: Any) -> int:
            result = xr.Result(call_next(*arguments))
            facts = read(*arguments) if xr.succeeded(result) else {}
            self.recording.calls.append(Call(name, _number(arguments[0]), result, **facts))
            return result.value

        self._hooks[name] = kind(hook)
        return self._hooks[name]


_alive: list[RecordingLayer] = []


def _recorded(name: str) -> bool:
    if not hasattr(xr, f"PFN_{name}") or name == "xrCreateInstance":
        return False
    return name.startswith(("xrCreate", "xrDestroy")) or name in (*FRAME_CALLS, *SWAPCHAIN_CALLS, *SESSION_CALLS)


def _number(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _read_nothing(*arguments: Any) -> dict[str, Any]:
    return {}


def _read_created(*arguments: Any) -> dict[str, Any]:
    return {"created": _number(arguments[-1].contents)}


def _read_swapchain(session: Any, info: Any, swapchain: Any) -> dict[str, Any]:
    return {"created": _number(swapchain.contents), "size": (info.contents.width, info.contents.height)}


def _read_wait(session: Any, info: Any, state: Any) -> dict[str, Any]:
    return {"time": state.contents.predicted_display_time}


def _read_locate_space(space: Any, base: Any, time: int, location: Any) -> dict[str, Any]:
    return {"time": time}


def _read_locate_views(session: Any, info: Any, state: Any, capacity: int, count: Any, views: Any) -> dict[str, Any]:
    located = tuple(_pose(views[i].pose) + _fov(views[i].fov) for i in range(capacity))
    return {"time": info.contents.display_time, "views": located}


def _read_event(instance: Any, buffer: Any) -> dict[str, Any]:
    if buffer.contents.type != xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED.value:
        return {}
    changed = ctypes.cast(buffer, ctypes.POINTER(xr.EventDataSessionStateChanged)).contents
    return {"state": xr.SessionState(changed.state)}


def _read_end(session: Any, info: Any) -> dict[str, Any]:
    end = info.contents
    layers = tuple(_projection(end.layers[i]) for i in range(end.layer_count))
    return {"time": end.display_time, "layers": layers}


def _projection(header: Any) -> tuple[Projected, ...]:
    assert header.contents.type == xr.StructureType.COMPOSITION_LAYER_PROJECTION, header.contents.type
    layer = ctypes.cast(header, ctypes.POINTER(xr.CompositionLayerProjection)).contents
    return tuple(_projected(layer.views[i]) for i in range(layer.view_count))


def _projected(view: Any) -> Projected:
    pose, area = _pose(view.pose), view.sub_image.image_rect
    return Projected(
        quat_xyzw=pose[:4],
        position=pose[4:],
        fov=_fov(view.fov),
        swapchain=_number(view.sub_image.swapchain),
        rectangle=(area.offset.x, area.offset.y, area.extent.width, area.extent.height),
        layer=view.sub_image.image_array_index,
        depth=_depth(view.next),
    )


def _depth(chain: Any) -> tuple[int, float, float, float, float] | None:
    if not chain:
        return None
    depth = ctypes.cast(chain, ctypes.POINTER(xr.CompositionLayerDepthInfoKHR)).contents
    assert depth.type == xr.StructureType.COMPOSITION_LAYER_DEPTH_INFO_KHR, depth.type
    return (_number(depth.sub_image.swapchain), depth.min_depth, depth.max_depth, depth.near_z, depth.far_z)


def _pose(pose: Any) -> tuple[Any, ...]:
    q, p = pose.orientation, pose.position
    return (q.x, q.y, q.z, q.w, p.x, p.y, p.z)


def _fov(fov: Any) -> tuple[Any, ...]:
    return (fov.angle_left, fov.angle_right, fov.angle_up, fov.angle_down)


_READERS: dict[str, Callable[..., dict[str, Any]]] = {
    "xrWaitFrame": _read_wait,
    "xrEndFrame": _read_end,
    "xrLocateViews": _read_locate_views,
    "xrLocateSpace": _read_locate_space,
    "xrPollEvent": _read_event,
    "xrCreateSwapchain": _read_swapchain,
}
