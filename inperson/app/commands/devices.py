"""`inperson devices`: what this machine has to see and to draw with."""

from dataclasses import dataclass

from rich.console import Console

from inperson.errors import DeviceError


@dataclass(frozen=True)
class Devices:
    """List cameras and microphones (their numbers and names are what live --input and --microphone take), OpenGL,
    displays, headset and GPUs."""

    def run(self, console: Console) -> None:
        """Print one line a device."""
        from inperson.app.commands.doctor import examine
        from inperson.app.headset.summary import BETWEEN
        from inperson.app.probes import PROBES
        from inperson.tracking.sources_camera import list_cameras

        cameras = list_cameras()
        for camera in cameras:
            console.print(f"camera {camera.index}: {camera.name}", soft_wrap=True, highlight=False)
        if not cameras:
            console.print("no camera: plug one in, or give live --input a clip", soft_wrap=True)
        _print_microphones(console)
        for probe in PROBES:
            if probe.name in ("opengl", "window", "openxr", "cuda"):
                finding = examine(probe)
                parts = finding.detail.split(BETWEEN) if finding.works else [f"{finding.detail} -> {finding.mend}"]
                console.print(
                    f"{probe.name}: {parts[0]}", *parts[1:], sep="\n  ", soft_wrap=True, highlight=False, markup=False
                )


def _print_microphones(console: Console) -> None:
    from inperson.app.audio.device import list_microphones

    try:
        microphones = list_microphones()
    except DeviceError as error:
        console.print(f"no microphone: {error}", soft_wrap=True, highlight=False, markup=False)
        return
    for microphone in microphones:
        chosen = " (the system's choice)" if microphone.is_default else ""
        line = f"microphone {microphone.index}: {microphone.name}{chosen}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if not microphones:
        console.print("no microphone: plug one in, or give live --microphone a sound file", soft_wrap=True)
