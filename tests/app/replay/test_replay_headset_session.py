"""A replay in a headset as its process is told of it: the clock, the avatar of the moment, and the end."""

import io
import pickle
from pathlib import Path

import pytest
from rich.console import Console

from inperson.app.commands.replay import Replay
from inperson.app.headset.status import Play, Recentred, ShowAvatar, Stop
from inperson.app.replay.setup import replay
from inperson.avatar.file import save_avatar
from tests.app.drawing_doubles import tiny_avatar
from tests.app.headset_doubles import ScriptedHeadset
from tests.app.replay.sessions import BEGIN_NS, about, avatar_record, gestures, session_of


class NotingHeadset(ScriptedHeadset):
    """Writes down, beside the session, what it was told."""

    def run(self, link, go):
        told: list[object] = []
        while not any(isinstance(word, Stop) for word in told):
            link.wait(0.01)
            told += link.commands()
        Path(self.plan.session).with_suffix(".told").write_bytes(pickle.dumps((self.plan, go, told)))
        return self.figures(1, 0.1)


@pytest.fixture
def session(body, tmp_path) -> Path:
    """A second of somebody who changes avatars in the middle."""
    records = []
    for name in ("one", "other"):
        save_avatar(tiny_avatar(body, name), tmp_path / f"{name}.avatar")
        records.append(avatar_record(tmp_path / f"{name}.avatar"))
    papers = about(body, avatar_name="one", avatar_sha256=records[0][1])
    change = about(body, avatar_name="other", avatar_sha256=records[1][1], time_ns=BEGIN_NS + 500_000_000)
    return session_of(tmp_path / "s.mcap", papers, gestures(body, 25), [change, *(record for record, _ in records)])


def test_the_headset_keeps_the_clock_wears_what_was_worn_and_leaves_at_the_end(session):
    options = Replay(session, view="headset", scene="embodied", speed=2.0, begin="0.1")
    replay(options, Console(file=io.StringIO()), NotingHeadset)
    plan, go, told = pickle.loads(session.with_suffix(".told").read_bytes())
    assert (plan.session, plan.participant, plan.scene, plan.mirrored) == (str(session), "me", "embodied", False)
    plays = [word for word in told if isinstance(word, Play)]
    assert len(plays) == 1  # told again only when it changes
    tempo = plays[0].tempo
    assert tempo.at_ns == go.start_ns
    assert (tempo.position_ns - BEGIN_NS, tempo.speed) == (100_000_000, 2.0)
    worn = [word.name for word in told if isinstance(word, ShowAvatar)]
    assert len(worn) == 1
    assert worn[0] != plan.avatar
    assert isinstance(told[-1], Stop)
    assert not any(isinstance(word, Recentred) for word in told)
    assert not Path(plan.avatar).exists()  # embedded avatars lay in a folder of their own
