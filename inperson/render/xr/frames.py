"""`FrameTiming`, when a frame will be seen, and `Submission`, what was drawn for it, as OpenXR's layer."""

import ctypes
from dataclasses import dataclass
from typing import Any

import xr

from inperson.render.xr.poses import EyePoses
from inperson.render.xr.swapchains import EyeSwapchains


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """When a frame will be seen."""

    xr_time: int
    """XrTime of display, for calls into OpenXR."""
    display_time_ns: int
    """The same instant, monotonic nanoseconds."""
    period_ns: int
    """Until the next display; rises when the runtime throttles, so count misses against the nominal period."""
    should_render: bool
    """Whether drawing would be seen. A frame that would not still is begun and ended."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A finished pair of pictures, as it was drawn."""

    poses: EyePoses
    """What it was drawn with, as `locate_views` gave it."""
    width: int
    height: int
    """Pixels drawn in each eye's lower-left corner."""
    near: float
    far: float
    """Planes of the projection that wrote window depth 0 and 1, metres."""


class ProjectionLayer:
    """XrCompositionLayerProjection with its views and their depth, chained once and filled for each frame: the
    structures point at each other, so one object keeps them all alive.

    Args:
        swapchains: whose pictures it shows.
        blended: alpha below 1 shows what lies behind the layer (passthrough); colours are premultiplied.
    """

    def __init__(self, swapchains: EyeSwapchains, *, blended: bool) -> None:
        self._views = (xr.CompositionLayerProjectionView * 2)()
        self._depths = [self._depth_info(swapchains, eye) for eye in range(2)]
        for eye, view in enumerate(self._views):
            next_address = None if self._depths[eye] is None else ctypes.addressof(self._depths[eye])
            view.__init__(  # the array's own elements: initialised in place, to be pointed at
                sub_image=xr.SwapchainSubImage(swapchain=swapchains.color, image_array_index=eye), next=next_address
            )
        flags = xr.CompositionLayerFlags.BLEND_TEXTURE_SOURCE_ALPHA_BIT if blended else xr.CompositionLayerFlags.NONE
        self._layer = xr.CompositionLayerProjection(layer_flags=flags, views=self._views)

    def filled(self, submission: Submission, play_space: xr.Space) -> Any:
        """A reference to the layer for this frame, good until the next one is filled."""
        rect = xr.Rect2Di(xr.Offset2Di(0, 0), xr.Extent2Di(submission.width, submission.height))
        for eye, (view, depth) in enumerate(zip(self._views, self._depths, strict=True)):
            view.pose, view.fov = submission.poses.xr_pose(eye), submission.poses.xr_fov(eye)
            view.sub_image.image_rect = rect
            if depth is not None:
                depth.sub_image.image_rect = rect
                depth.near_z, depth.far_z = submission.near, submission.far
        self._layer.space = play_space
        return ctypes.byref(self._layer)

    @staticmethod
    def _depth_info(swapchains: EyeSwapchains, eye: int) -> Any:
        if swapchains.depth is None:
            return None
        return xr.CompositionLayerDepthInfoKHR(
            sub_image=xr.SwapchainSubImage(swapchain=swapchains.depth, image_array_index=eye),
            min_depth=0.0,
            max_depth=1.0,
        )
