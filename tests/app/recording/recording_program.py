"""The program that `killed_recordings` kills. It imports little, so that it starts quickly."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from inperson.app.recording.durable_file import DurableFile
from inperson.app.recording.recorder import Recorder
from inperson.app.recording.records import BodyRecord, MicrophoneRecord, ParticipantRecord
from inperson.avatar.state import BodyState
from tests.app.recording.made_up import made_up_state

PERIOD_S = 0.01


def state_of(number: int) -> BodyState:
    """State `number`, the same in this program and in the one that looks at what is left."""
    return made_up_state(number, np.random.default_rng(number), betas=np.ones(10, np.float32), expression=52)


def record_until_killed(path: Path) -> None:
    """Says (number, moment, states on the disk) of every state on the output, once it is handed over."""
    with Recorder(DurableFile.create(path)) as recorder:
        recorder.put(ParticipantRecord("me", 0, name="Me"))
        number = 0
        while True:
            recorder.put(BodyRecord("me", state_of(number)))
            recorder.put(MicrophoneRecord("me", number, number, b"sound" * 16))
            os.write(1, f"{number} {time.monotonic_ns()} {recorder.status.states}\n".encode())
            number += 1
            time.sleep(PERIOD_S)


if __name__ == "__main__":
    record_until_killed(Path(sys.argv[1]))
