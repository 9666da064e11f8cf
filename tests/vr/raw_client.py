"""The plainest correct OpenXR client that submits pictures, in raw pyopenxr: what the misuse tests break on purpose.

It shares no code with the product. `frame` is one good frame; its parts are public so that a test can leave one out,
repeat one or spoil an argument.
"""

import ctypes
import time
from collections.abc import Sequence
from ctypes import byref, c_void_p, cast
from typing import Any

import moderngl
import xr
import xr.api_layer

STEREO = xr.ViewConfigurationType.PRIMARY_STEREO
SRGB8_ALPHA8 = 0x8C43
SIZE = 64


class RawClient:
    """An instance with a headset; `connect` makes the rest.

    Args:
        api_layers: enabled in this order, the first next to the client.
    """

    def __init__(self, api_layers: Sequence[str] = ()) -> None:
        self.context = moderngl.create_context(standalone=True, backend="egl", require=330)  # type: ignore[arg-type]
        self.instance = xr.create_instance(
            xr.InstanceCreateInfo(
                application_info=xr.ApplicationInfo(application_name="raw", api_version=xr.Version(1, 0, 0)),
                enabled_extension_names=["XR_KHR_opengl_enable", "XR_MNDX_egl_enable"],
                enabled_api_layer_names=list(api_layers),
            )
        )
        self.system = xr.get_system(self.instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        self.state = xr.SessionState.UNKNOWN

    # --- a correct session, step by step --------------------------------------------------------------------------

    def connect(self) -> None:
        """Session, space and swapchain; then wait until the runtime wants frames, and begin."""
        self.ask_requirements()
        self.create_session()
        self.space = self.create_space()
        self.swapchain = self.create_swapchain()
        self.await_state(xr.SessionState.READY)
        xr.begin_session(self.session, xr.SessionBeginInfo(STEREO))

    def ask_requirements(self) -> None:
        requirements = xr.GraphicsRequirementsOpenGLKHR()
        function = xr.get_instance_proc_addr(self.instance, "xrGetOpenGLGraphicsRequirementsKHR")
        cast(function, xr.PFN_xrGetOpenGLGraphicsRequirementsKHR)(self.instance, self.system, byref(requirements))

    def create_session(self) -> None:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetCurrentDisplay.restype = egl.eglGetCurrentContext.restype = c_void_p
        kinds = dict(xr.GraphicsBindingEGLMNDX._fields_)
        binding = xr.GraphicsBindingEGLMNDX(
            get_proc_address=cast(egl.eglGetProcAddress, kinds["get_proc_address"]),
            display=cast(egl.eglGetCurrentDisplay(), kinds["display"]),
            context=cast(egl.eglGetCurrentContext(), kinds["context"]),
        )
        info = xr.SessionCreateInfo(system_id=self.system)
        info.next = cast(ctypes.pointer(binding), c_void_p)
        self.session = xr.create_session(self.instance, info)

    def create_space(self, w: float = 1.0) -> xr.Space:
        info = xr.ReferenceSpaceCreateInfo(reference_space_type=xr.ReferenceSpaceType.LOCAL)
        info.pose_in_reference_space.orientation.w = w
        return xr.create_reference_space(self.session, info)

    def create_swapchain(self, form: int = SRGB8_ALPHA8) -> xr.Swapchain:
        return xr.create_swapchain(
            self.session,
            xr.SwapchainCreateInfo(
                usage_flags=xr.SwapchainUsageFlags.COLOR_ATTACHMENT_BIT,
                format=form,
                sample_count=1,
                width=SIZE,
                height=SIZE,
                face_count=1,
                array_size=1,
                mip_count=1,
            ),
        )

    def await_state(self, wanted: xr.SessionState) -> None:
        give_up = time.monotonic() + 20.0
        while self.state != wanted:
            assert time.monotonic() < give_up, f"stays {self.state}"
            self._poll()
            time.sleep(0.002)

    # --- a correct frame, step by step ----------------------------------------------------------------------------

    def frame(self) -> None:
        """One good frame: both eyes show the same cleared picture."""
        self.wait()
        self.begin()
        self.draw()
        self.end([self.projection()])

    def draw(self) -> None:
        """Take an image through its rotation; its pixels do not matter here."""
        self.acquire()
        self.wait_image()
        self.release()

    def wait(self) -> None:
        self.time = xr.wait_frame(self.session, xr.FrameWaitInfo()).predicted_display_time

    def begin(self) -> None:
        xr.begin_frame(self.session, xr.FrameBeginInfo())

    def acquire(self) -> None:
        xr.acquire_swapchain_image(self.swapchain, xr.SwapchainImageAcquireInfo())

    def wait_image(self) -> None:
        xr.wait_swapchain_image(self.swapchain, xr.SwapchainImageWaitInfo(timeout=xr.INFINITE_DURATION))

    def release(self) -> None:
        xr.release_swapchain_image(self.swapchain, xr.SwapchainImageReleaseInfo())

    def projection(self, views: int = 2, width: int = SIZE, at: int = 0) -> Any:
        """A layer of the poses located now; spoil it before `end`.

        Args:
            views: how many.
            width: of the submitted rectangle.
            at: locate this much later than the display time, nanoseconds.
        """
        _, located = xr.locate_views(self.session, xr.ViewLocateInfo(STEREO, self.time + at, self.space))
        projected = (xr.CompositionLayerProjectionView * views)()
        for view, seen in zip(projected, located, strict=False):
            area = xr.Rect2Di(xr.Offset2Di(0, 0), xr.Extent2Di(width, SIZE))
            view.__init__(  # type: ignore[misc]  # ctypes fills an array's element in place
                pose=seen.pose,
                fov=seen.fov,
                sub_image=xr.SwapchainSubImage(swapchain=self.swapchain, image_rect=area),
            )
        return xr.CompositionLayerProjection(space=self.space, views=projected)

    def end(
        self,
        layers: Sequence[Any] = (),
        time: int | None = None,
        blend_mode: xr.EnvironmentBlendMode = xr.EnvironmentBlendMode.OPAQUE,
    ) -> None:
        info = xr.FrameEndInfo(
            display_time=self.time if time is None else time,
            environment_blend_mode=blend_mode,
            layers=[byref(layer) for layer in layers],
        )
        xr.end_frame(self.session, info)

    # --- the end --------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Ask to exit, follow the states, destroy everything."""
        xr.request_exit_session(self.session)
        while self.state != xr.SessionState.STOPPING:
            self.wait()
            self.begin()
            self.end()
            self._poll()
        xr.end_session(self.session)
        self.await_state(xr.SessionState.EXITING)
        xr.destroy_swapchain(self.swapchain)
        xr.destroy_space(self.space)
        xr.destroy_session(self.session)

    def close(self) -> None:
        """Destroy the instance, and with it whatever is left; a second time does nothing."""
        if self.instance is not None:
            xr.destroy_instance(self.instance)
            self.instance = None
            self.context.release()

    def _poll(self) -> None:
        try:
            event = xr.poll_event(self.instance)
        except xr.EventUnavailable:
            return
        if event.type == xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED.value:
            changed = cast(byref(event), ctypes.POINTER(xr.EventDataSessionStateChanged)).contents
            self.state = xr.SessionState(changed.state)
