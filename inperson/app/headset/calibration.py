"""The calibration of webcam and headset: both processes run as in a session, a guide says what to do, the answer is
saved."""

import time
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from inperson.app.cast import cast_of, load_performer
from inperson.app.commands.calibrate import Calibrate
from inperson.app.headset.inside import OpenHeadset, open_headset
from inperson.app.headset.plan import HeadsetPlan, bindings_for
from inperson.app.headset.process import HeadsetProcess
from inperson.app.motion.inputs import choose_source, is_motion
from inperson.app.motion.pipeline import BESIDE_HEADSET_NICENESS, Pipeline, TrackingPlan, open_pipeline
from inperson.app.motion.tracking_process import TrackingProcess
from inperson.errors import BadInputError
from inperson.tracking.play_calibration import calibration_path, save_calibration
from inperson.tracking.play_calibration_solver import solve_calibration

LOOK_S = 0.05
"""Between looks at what the two processes say."""


def calibrate(
    options: Calibrate,
    console: Console,
    open_tracking: Callable[[TrackingPlan], Pipeline] = open_pipeline,
    open_headset: OpenHeadset = open_headset,
) -> None:
    """Guide, solve, save, and say what came out.

    Raises:
        BadInputError: nobody was in view, the step was not followed, or the wearer left before its end.
        InPersonError: anything else that the user can mend.
    """
    source = choose_source(options.input)
    if is_motion(source):
        raise BadInputError(f"--input {source}: a motion file has no camera to calibrate", "name a camera")
    path = calibration_path(options.profile)
    name = cast_of(options.avatar)[0]
    performer = load_performer(name, options.body)
    body = performer.body
    with ExitStack() as stack:
        with console.status("getting ready (the very first time, compiling takes a minute)"):
            plan = TrackingPlan(
                source, options.body or performer.avatar.body_name, None, True, BESIDE_HEADSET_NICENESS
            )
            dimensions = body.num_betas, body.num_expression
            tracking = stack.enter_context(TrackingProcess(plan, *dimensions, open_tracking))
            headset_plan = HeadsetPlan(
                name, options.body, backend=options.backend, bindings=bindings_for(False), job="calibrate"
            )
            headset = stack.enter_context(HeadsetProcess(headset_plan, tracking.mailbox, *dimensions, open_headset))
            headset.wait_ready()
            where = tracking.wait_ready().source
        _guide(headset, tracking, console)
        headset.stop()
        summary = tracking.stop()
    if not summary.seen:
        raise BadInputError(f"nobody was in view in {where}", "step back until the webcam sees you from the hips up")
    if headset.seen is None:
        raise BadInputError("the calibration was left before its end", "follow it to the last prompt")
    calibration = solve_calibration(body, headset.seen.samples)
    save_calibration(calibration, path)
    console.print(
        f"webcam and headset agree within {100 * calibration.residual_m:.1f} cm, eyes "
        f"{calibration.eye_height_m:.2f} m above the floor",
        highlight=False,
    )
    console.print(f"wrote {path}", soft_wrap=True, highlight=False)


def _guide(headset: HeadsetProcess, tracking: TrackingProcess, console: Console) -> None:
    """Repeat the headset's prompts here until it is through them."""
    tracking.go()
    headset.go(time.monotonic_ns())
    said = ""
    while not headset.ended and not tracking.ended():
        headset.poll()
        if headset.status.notice not in ("", said):
            said = headset.status.notice
            console.print(said, highlight=False)
        time.sleep(LOOK_S)
