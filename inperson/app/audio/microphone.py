"""Which microphone a session listens to: what the user named, the system's own, or none."""

from pathlib import Path

from inperson.app.audio.device import MicrophoneDevice, MicrophoneInfo, find_microphone, list_microphones, portaudio
from inperson.app.audio.sound_file import SoundFile
from inperson.app.audio.source import Microphone
from inperson.errors import DeviceError

NONE = "none"
DEFAULT = "default"


def open_microphone(wanted: str | None) -> Microphone | None:
    """Open a source of sound.

    Args:
        wanted: a file with sound, a microphone's number or part of its name, `default`, or `none`. None: the
            system's own where there is one.

    Raises:
        BadInputError: no such file, or no sound in it.
        DeviceError: no such microphone, it cannot be opened, or PortAudio is missing.
    """
    if wanted == NONE:
        return None
    if wanted is not None and _means_file(wanted):
        return SoundFile(Path(wanted).expanduser())
    if wanted is None and not any(microphone.is_default for microphone in _listed()):
        return None
    sound = portaudio()
    named = None if wanted in (None, DEFAULT) else wanted
    return MicrophoneDevice(find_microphone(named, list_microphones(sound)), sound)


def _means_file(wanted: str) -> bool:
    """Whether a file is meant, there or not: it looks like one, and no microphone is called that."""
    path = Path(wanted).expanduser()
    if path.is_file():
        return True
    looks_like_one = not wanted.isdecimal() and (path.suffix != "" or len(path.parts) > 1)
    return looks_like_one and not any(wanted.lower() in microphone.name.lower() for microphone in _listed())


def _listed() -> list[MicrophoneInfo]:
    """The microphones of this machine; none where PortAudio is missing."""
    try:
        return list_microphones()
    except DeviceError:
        return []
