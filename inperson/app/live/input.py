"""What moves the avatar of a session: a process that tracks a camera or a clip, or a motion file."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from inperson.app.live.plan import LivePlan
from inperson.app.live.recording.rings import TrackingRings
from inperson.app.motion.pipeline import (
    BESIDE_HEADSET_NICENESS,
    BESIDE_SHADER_NICENESS,
    Pipeline,
    TrackingPlan,
)
from inperson.app.motion.played import PlayedMotion
from inperson.app.motion.states import LiveStates, PlayedStates, TrackedStates
from inperson.app.motion.tracking_process import TrackingProcess
from inperson.app.outputs.addresses import OFF
from inperson.tracking.profile import profile_path

OpenTracking = Callable[[TrackingPlan], Pipeline]


def start_tracking(
    plan: LivePlan, stack: ExitStack, open_tracking: OpenTracking, rings: TrackingRings | None
) -> TrackingProcess | None:
    """The tracking process, unless a motion file moves the avatar. The stack closes it.

    Args:
        rings: that a recording wants filled.
    """
    if plan.plays_motion:
        return None
    profile = None
    if plan.user is not None:
        # A shape is one body's: each body has its own file.
        profile = str(profile_path(f"{plan.user} {plan.first.body.name}"))
    body = plan.options.body or plan.first.avatar.body_name
    niceness = BESIDE_SHADER_NICENESS if plan.shader_sizes else 0
    if plan.options.in_headset:
        niceness = BESIDE_HEADSET_NICENESS
    vmc = plan.options.inputs.vmc
    given = vmc if vmc.address != OFF else None
    tracking = TrackingPlan(plan.source, body, profile, plan.repeats, niceness, given)
    return stack.enter_context(TrackingProcess(tracking, *plan.dimensions, open_tracking, rings))


def wait_states(plan: LivePlan, tracking: TrackingProcess | None) -> LiveStates:
    """What moves the avatar, ready to go.

    Raises:
        InPersonError: tracking did not get ready, or the motion file is none.
    """
    if tracking is not None:
        return TrackedStates(tracking, tracking.wait_ready())
    played = PlayedMotion.open(Path(plan.source), plan.first.body, plan.first.avatar.betas)
    return PlayedStates(played, Path(plan.source).name, repeat=plan.repeats)
