"""Tracking opens no socket. Enforced by the kernel: a process that asks for one is killed."""

import textwrap

from tests.no_sockets import needs_the_filter, run_without_sockets

pytestmark = needs_the_filter

TRACK = textwrap.dedent(
    """
    from inperson.avatar.body import load_body
    from inperson.paths import assets_dir
    from inperson.tracking.landmarkers import Perception
    from inperson.tracking.sources import open_source
    from inperson.tracking.tracker import Tracker

    with open_source(assets_dir() / "performer" / "performer.mp4", live=False) as source:
        frames = [source.read() for _ in range(4)]
    tracker = Tracker(load_body())
    with Perception(silhouette_every=1) as perception:
        for frame in frames:
            tracker.update(perception.observe(frame))
    print("tracked", len(frames))
    """
)


def test_the_filter_kills_whoever_opens_a_socket():
    done = run_without_sockets("import socket; socket.socket(); print('alive')")
    assert done.returncode == -31, done.stderr  # SIGSYS
    assert "alive" not in done.stdout


def test_tracking_opens_no_socket(model_cache):
    done = run_without_sockets(TRACK)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "tracked 4" in done.stdout
