"""Opens a session's recording: what is found out first, and what is opened last."""

from collections.abc import Callable
from contextlib import ExitStack

from inperson.app.audio.microphone import open_microphone
from inperson.app.audio.source import Microphone
from inperson.app.live.plan import LivePlan
from inperson.app.live.recording.options import settings_of
from inperson.app.live.recording.recording import LiveRecording
from inperson.app.live.recording.rings import LiveRings
from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.recorder import Recorder


def rings_for(plan: LivePlan) -> LiveRings:
    """What the session's processes are given to fill; nothing where nothing is recorded."""
    options, recorded = plan.options, plan.options.record is not None
    return LiveRings.make(
        *plan.dimensions,
        tracking=recorded and not plan.plays_motion,
        pictures=options.record_camera,
        headset=recorded and options.in_headset,
    )


def open_recorded_microphone(plan: LivePlan, stack: ExitStack, say: Callable[[str], None]) -> Microphone | None:
    """The microphone that is recorded; the stack closes it. Says what is listened to.

    Raises:
        BadInputError, DeviceError: as `open_microphone`.
    """
    if plan.options.record is None:
        return None
    microphone = open_microphone(plan.options.microphone)
    if microphone is None:
        say("recorded without sound: no microphone" if plan.options.microphone is None else "recorded without sound")
        return None
    stack.callback(microphone.close)
    say(f"microphone: {microphone.name}")
    return microphone


def open_recording(
    plan: LivePlan, stack: ExitStack, rings: LiveRings, microphone: Microphone | None, framerate: float
) -> LiveRecording | None:
    """The recording, if one is asked for, with its file on the disk. The stack finishes it.

    Args:
        rings: of `rings_for`, in the hands of the processes.
        framerate: of the states, nominal.

    Raises:
        OutputError: the file cannot be created.
    """
    options = plan.options
    if options.record is None:
        return None
    recorder = stack.enter_context(Recorder(DurableFile.create(options.record)))
    recording = LiveRecording(
        *(recorder, options.record, rings, plan.first.body, plan.cast[0]),
        keep=options.record_avatar,
        world="play" if options.in_headset else "camera",
        settings=settings_of(options),
        microphone=microphone,
        camera=options.record_camera,
        framerate=framerate,
    )
    return stack.enter_context(recording)
