"""OpenXR: the runtime, its sessions and what they need, with nothing about avatars.

`runtime.XrRuntime` (instance and system), `graphics.open_graphics` (the OpenGL context, which outlives sessions),
`session.XrSession` (states, frames, poses, swapchains) and `input.HeadsetInput` (controllers, hands, gaze, face).
Importing any of it needs the `vr` extra.
"""

from inperson.errors import DeviceError

try:
    import xr as _xr  # noqa: F401
except ImportError as error:
    raise DeviceError(f"OpenXR cannot be used ({error})", "pip install 'inperson[vr]'") from error
