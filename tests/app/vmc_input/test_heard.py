"""What a VMC sender may say, and what cannot be meant."""

import math

import numpy as np
import pytest

from inperson.app.vmc_input.heard import MOST_NAMES, RefusedMessage, VmcListener
from inperson.app.vmc_input.osc_reading import Argument, OscMessage

STILL = (0.0, 0.0, 0.0, 1.0)


def say(listener: VmcListener, address: str, *arguments: Argument, at: int = 1) -> None:
    listener.listen(OscMessage(f"/VMC/Ext/{address}", arguments), at)


def test_bones_root_and_when_they_were_heard() -> None:
    listener = VmcListener()
    half = math.sqrt(0.5)
    say(listener, "Bone/Pos", "Head", 0.1, 0.2, 0.3, 0.0, half, 0.0, half, at=7)
    say(listener, "Root/Pos", "root", 1.0, 2.0, 3.0, *STILL, *(1.0,) * 6, at=8)  # V2.1 has scale and offset, too
    say(listener, "Bone/Pos", "Tail", 0.0, 0.0, 0.0, *STILL)  # nobody's
    heard = listener.heard
    assert heard.bones.keys() == {"Head"}
    np.testing.assert_allclose(heard.bones["Head"].place, [-0.1, 0.2, 0.3])
    # Unity's quarter turn about y goes to the right; in our axes the head's forward then points to -x, its right.
    np.testing.assert_allclose(heard.bones["Head"].rotation @ [0, 0, 1], [-1, 0, 0], atol=1e-12)
    assert heard.bones["Head"].heard_ns == 7
    assert heard.root is not None
    np.testing.assert_allclose(heard.root.place, [-1, 2, 3])


def test_blendshapes_count_when_applied() -> None:
    listener = VmcListener()
    say(listener, "Blend/Val", "Joy", 0.5)
    say(listener, "Blend/Val", "A", 1.2)
    assert not listener.heard.blendshapes
    say(listener, "Blend/Apply", at=9)
    say(listener, "Blend/Val", "Joy", 0.7)
    assert listener.heard.blendshapes == {"Joy": 0.5, "A": 1.0}
    assert listener.heard.blendshapes_ns == 9
    before = listener.heard
    say(listener, "Blend/Apply", at=10)
    assert (before.blendshapes["Joy"], listener.heard.blendshapes["Joy"]) == (0.5, 0.7)


@pytest.mark.parametrize(
    ("arguments", "tracking"),
    [((1,), True), ((0,), False), ((1, 3, 0, 1), True), ((1, 3, 0, 0), False), ((1, 3, 0), True)],
)
def test_a_sender_that_tracks_nobody(arguments: tuple[int, ...], tracking: bool) -> None:
    listener = VmcListener()
    say(listener, "OK", *arguments)
    assert listener.heard.tracking == tracking


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("Bone/Pos", ()),
        ("Bone/Pos", ("Head",)),
        ("Bone/Pos", ("Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        ("Bone/Pos", ("Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        ("Bone/Pos", ("Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0)),
        ("Bone/Pos", ("Head", 0.0, math.nan, 0.0, *STILL)),
        ("Bone/Pos", ("Head", 0.0, 0.0, 0.0, math.inf, 0.0, 0.0, 1.0)),
        ("Bone/Pos", ("Head", 0.0, 101.0, 0.0, *STILL)),
        ("Bone/Pos", ("Head", "0", 0.0, 0.0, *STILL)),
        ("Bone/Pos", (7, 0.0, 0.0, 0.0, *STILL)),
        ("Bone/Pos", ("Head" * 20, 0.0, 0.0, 0.0, *STILL)),
        ("Root/Pos", ("root", -3.4e38, 0.0, 0.0, *STILL)),
        ("Blend/Val", ("Joy", math.nan)),
        ("Blend/Val", ("Joy", 100.0)),
        ("Blend/Val", ("Joy", -1.0)),
        ("Blend/Val", ("Joy", "much")),
        ("Blend/Val", ("Joy", True)),
        ("OK", ()),
        ("OK", ("yes",)),
    ],
)
def test_what_cannot_be_meant_changes_nothing(address: str, arguments: tuple[Argument, ...]) -> None:
    listener = VmcListener()
    with pytest.raises(RefusedMessage):
        say(listener, address, *arguments)
    say(listener, "Blend/Apply")
    assert (listener.heard.bones, listener.heard.root, listener.heard.blendshapes) == ({}, None, {})
    assert listener.heard.tracking


def test_names_do_not_pile_up() -> None:
    listener = VmcListener()
    for number in range(MOST_NAMES):
        say(listener, "Blend/Val", f"shape {number}", 0.5)
        if number % 100 == 0:
            say(listener, "Blend/Apply")
    with pytest.raises(RefusedMessage, match="too many"):
        say(listener, "Blend/Val", "one more", 0.5)
    say(listener, "Blend/Val", "shape 0", 0.25)
    say(listener, "Blend/Apply")
    assert len(listener.heard.blendshapes) == MOST_NAMES
    assert listener.heard.blendshapes["shape 0"] == 0.25


@pytest.mark.parametrize("address", ["Cam", "Con", "Hmd/Pos", "Tra/Pos/Local", "Rcv", "Midi/CC/Val", "Set/Eye"])
def test_what_says_nothing_about_the_body_is_passed_over(address: str) -> None:
    say(VmcListener(), address, "whatever", 3, math.nan)
