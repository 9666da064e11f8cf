"""`inperson devices`: what this machine has to see and to draw with."""

from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True)
class Devices:
    """List cameras (their numbers and names are what live --input takes), OpenGL, displays and GPUs."""

    def run(self, console: Console) -> None:
        """Print one line a device."""
        from inperson.app.commands.doctor import examine
        from inperson.app.probes import PROBES
        from inperson.tracking.sources_camera import list_cameras

        cameras = list_cameras()
        for camera in cameras:
            console.print(f"camera {camera.index}: {camera.name}", soft_wrap=True, highlight=False)
        if not cameras:
            console.print("no camera: plug one in, or give live --input a clip", soft_wrap=True)
        for probe in PROBES:
            if probe.name in ("opengl", "window", "cuda"):
                finding = examine(probe)
                console.print(f"{probe.name}: {finding.detail}", soft_wrap=True, highlight=False)
