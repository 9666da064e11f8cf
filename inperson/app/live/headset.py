"""The headset of a session: its process, with everything that it is told at the start."""

from collections.abc import Callable
from contextlib import ExitStack

from inperson.app.headset.inside import OpenHeadset
from inperson.app.headset.plan import HeadsetPlan, bindings_for
from inperson.app.headset.process import HeadsetProcess
from inperson.app.live.plan import LivePlan
from inperson.app.motion.tracking_process import TrackingProcess
from inperson.app.processes.record_ring import RecordRing
from inperson.tracking.play_calibration import calibration_path, load_calibration


def start_headset(
    plan: LivePlan,
    stack: ExitStack,
    tracking: TrackingProcess | None,
    open_headset: OpenHeadset,
    say: Callable[[str], None],
    ring: RecordRing | None,
) -> HeadsetProcess | None:
    """The headset process, if one is asked for. The stack closes it.

    Args:
        tracking: moves the avatar, where no motion file does.
        say: told that there is no calibration yet.
        ring: that a recording wants filled.
    """
    options = plan.options
    if not options.in_headset:
        return None
    aligned = tracking is not None and options.scene != "face-to-face"
    headset = HeadsetPlan(
        avatar=plan.cast[0],
        body=options.body,
        scene=options.scene or "mirror",
        passthrough=options.passthrough,
        backend=options.backend,
        bindings=bindings_for(mirror_window=plan.on_screen),
        motion=plan.source if tracking is None else None,
        calibration=_calibration(plan.user, say) if aligned else None,
        mirrored=options.view == "headset+mirror" or options.outputs.wanted,
        frames=options.frames,
        shader=options.shader,
    )
    mailbox = tracking.mailbox if tracking is not None else None
    return stack.enter_context(HeadsetProcess(headset, mailbox, *plan.dimensions, open_headset, ring))


def _calibration(user: str | None, say: Callable[[str], None]) -> str | None:
    if user is None:
        return None
    path = calibration_path(user)
    if load_calibration(path) is not None:
        return str(path)
    say(
        "no calibration for this camera and headset yet, so the body only roughly follows: "
        "run `inperson calibrate` once"
    )
    return None
