"""`RecordedFigures`: what came of a recording."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordedFigures:
    """What a session recorded."""

    file: str
    seconds: float
    states: int
    """Body states; none was left out unless `dropped` says so."""
    headset_frames: int
    sound_seconds: float
    """Of the microphone."""
    camera_pictures: int
    """Of the camera's video; 0 unless it was asked for."""
    dropped: int
    """Records of any kind that could not be taken; the file's events say which."""
    bytes: int
    microphone: str
    """What was listened to; empty without sound."""
    error: str = ""
    """Why it ended before the session did; what was recorded until then is safe."""

    def words(self) -> str:
        """One line for the terminal."""
        sound = f"{self.sound_seconds:.1f} s of sound" if self.microphone else "no sound"
        parts = [f"{self.states} states", sound]
        if self.headset_frames:
            parts.append(f"{self.headset_frames} headset frames")
        if self.camera_pictures:
            parts.append(f"{self.camera_pictures} PICTURES OF THE CAMERA")
        parts.append(f"{self.dropped} dropped")
        return f"recorded {self.seconds:.1f} s to {self.file}: {', '.join(parts)}, {self.bytes / 1e6:.2f} MB"
