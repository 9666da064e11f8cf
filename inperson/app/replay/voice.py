"""A participant's recorded voice, in step with the replay's clock."""

import numpy as np
from jaxtyping import Float

from inperson.app.audio.following import FollowingSound
from inperson.app.audio.opus import SAMPLE_RATE
from inperson.app.recording.sound import Sound
from inperson.app.replay.tempo import Tempo

FASTEST_HEARD = 2.0
"""Above it speech is no longer understood, and silent."""


class ReplayVoice:
    """What is heard at a moment is what was said at the recorded moment that is shown then, within 10 ms. At another
    speed speech keeps its pitch.

    Args:
        sound: of the whole recording.
        tempo: to begin with; `follow` says what comes after.
    """

    def __init__(self, sound: Sound, tempo: Tempo) -> None:
        self._sound, self._tempo = FollowingSound(sound.samples), tempo
        self._start_ns = sound.start_ns

    def follow(self, tempo: Tempo) -> None:
        """Go on like this; from any thread."""
        self._tempo = tempo

    def fill(self, count: int, heard_ns: int) -> Float[np.ndarray, " count"]:
        """The next samples; for `Speaker`.

        Args:
            heard_ns: when the first of them is heard, monotonic.
        """
        tempo = self._tempo

        def place_of(sample: int) -> float | None:
            now_ns = heard_ns + round(sample * 1e9 / SAMPLE_RATE)
            if tempo.speed > FASTEST_HEARD or not tempo.runs(now_ns):
                return None
            return (tempo.position_at(now_ns) - self._start_ns) * SAMPLE_RATE / 1e9

        return self._sound.read(count, place_of)


def sound_status(tempo: Tempo) -> str:
    """How it is heard, for the timeline."""
    return "voice" if tempo.speed <= FASTEST_HEARD else "muted"
