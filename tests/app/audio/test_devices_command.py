"""`inperson devices` names microphones with what --microphone takes."""

import io

import pytest
from rich.console import Console

from inperson.app.audio import device
from inperson.app.commands.devices import Devices
from inperson.errors import DeviceError
from tests.app.audio.sound_doubles import sound_module


@pytest.fixture
def said(monkeypatch):
    """Without the probes, which take their time."""
    monkeypatch.setattr("inperson.app.probes.PROBES", ())

    def run() -> list[str]:
        console = Console(file=io.StringIO(), width=200)
        Devices().run(console)
        return [line for line in console.file.getvalue().splitlines() if "microphone" in line]

    return run


def test_microphones_by_number_and_name(said, monkeypatch):
    monkeypatch.setattr(device, "portaudio", sound_module)
    assert said() == [
        "microphone 1: Built-in Microphone (the system's choice)",
        "microphone 2: USB 2.0 Camera: Audio",
    ]


def test_no_microphone_says_what_else_there_is(said, monkeypatch):
    monkeypatch.setattr(device, "portaudio", lambda: sound_module(devices=()))
    assert said() == ["no microphone: plug one in, or give live --microphone a sound file"]


def test_without_portaudio_the_other_devices_are_listed_all_the_same(said, monkeypatch):
    def missing():
        raise DeviceError("microphones need the PortAudio library", "install it")

    monkeypatch.setattr(device, "portaudio", missing)
    assert said() == ["no microphone: microphones need the PortAudio library: install it"]
