"""Several people in one step: each shaded as if alone, whatever the others do."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inperson.shader_model.interface import Conditions, NetworkInputs
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.room import RoomStream
from inperson.shader_model.runtime.torch_engine import TorchEngine
from inperson.shader_model.stream import ShaderStream
from tests.reconstruct.far_device import FAR, far_device

MakeConditions = Callable[..., Conditions]
MakeWindow = Callable[..., list[Conditions]]
CPU = torch.device("cpu")


class Counting:
    """An engine that notes how many people each of its steps has."""

    def __init__(self, engine: TorchEngine) -> None:
        self._engine = engine
        self.name, self.hidden_channels = engine.name, engine.hidden_channels
        self.steps: list[int] = []

    def step(self, inputs: NetworkInputs) -> tuple[torch.Tensor, torch.Tensor]:
        self.steps.append(len(inputs.hidden))
        return self._engine.step(inputs)


@pytest.fixture
def engine(network: LiveShader) -> Counting:
    return Counting(TorchEngine(network, torch.float32, CPU))


@pytest.fixture
def room(engine: Counting) -> Iterator[RoomStream[str]]:
    room: RoomStream[str] = RoomStream(engine, threads=1)
    yield room
    room.close()


class Alone:
    """Each person with a stream of their own."""

    def __init__(self, engine: Counting) -> None:
        self._engine, self.streams = engine, dict[str, ShaderStream]()

    def shade(self, who: str, told: Conditions) -> torch.Tensor:
        return self.streams.setdefault(who, ShaderStream(self._engine, threads=1)).shade(told)


def assert_alone(room: RoomStream[str], alone: Alone, people: dict[str, Conditions]) -> None:
    """The room's pictures are those of everybody alone."""
    shaded = room.shade(people)
    assert list(shaded) == list(people)
    for who, told in people.items():
        torch.testing.assert_close(shaded[who], alone.shade(who, told), rtol=0, atol=1e-5, msg=who)


@pytest.mark.parametrize("eyes", [1, 2])
def test_people_of_one_size_go_through_together(
    engine: Counting, room: RoomStream[str], make_window: MakeWindow, eyes: int
) -> None:
    windows = {who: make_window(4, eyes, seed) for seed, who in enumerate(["ada", "ben", "cem", "dua"])}
    alone = Alone(Counting(engine._engine))
    for frame in range(4):
        assert_alone(room, alone, {who: window[frame] for who, window in windows.items()})
    assert engine.steps == [4, 4, 4, 4]


def test_other_sizes_and_other_numbers_of_eyes_go_apart(
    engine: Counting, room: RoomStream[str], make_conditions: MakeConditions
) -> None:
    alone = Alone(Counting(engine._engine))
    for frame, before in enumerate((0, 1, 1)):
        people = {
            "ada": make_conditions(2, 2 * before, seed=frame),
            "ben": make_conditions(2, 2 * before, seed=10 + frame, width=96),
            "cem": make_conditions(1, before, seed=20 + frame),
            "dua": make_conditions(2, 2 * before, seed=30 + frame),
        }
        assert_alone(room, alone, people)
    assert engine.steps == [2, 1, 1] * 3


def test_who_comes_goes_or_begins_anew_touches_nobody_else(
    engine: Counting, room: RoomStream[str], make_window: MakeWindow
) -> None:
    """Ben comes later, goes and comes back as a stranger; Cem's conditions begin anew; Dua is forgotten."""
    windows = {who: make_window(8, 2, seed) for seed, who in enumerate(["ada", "ben", "cem", "dua"])}
    first = windows["cem"][4]
    windows["cem"][4] = replace(first, before=first.before[:, :0], seen_before=first.seen_before[:, :0])
    alone = Alone(Counting(engine._engine))
    for frame in range(8):
        here = {who: window[frame] for who, window in windows.items() if who != "ben" or frame in (2, 3, 6, 7)}
        if frame == 6:
            alone.streams.pop("ben").close()
        if frame == 5:
            room.forget("dua")
            alone.streams["dua"].forget()
        assert_alone(room, alone, here)
    assert engine.steps == [3, 3, 4, 4, 3, 3, 4, 4]
    remembered = room.shade({"ada": windows["ada"][5]})["ada"]
    room.forget("ada")
    assert (room.shade({"ada": windows["ada"][5]})["ada"] - remembered).abs().max() > 1e-3


@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=3, max_size=5), st.integers(0, 3))
def test_any_coming_and_going(comings: list[set[str]], first: int) -> None:
    """Whoever is there in whatever frames: with an engine that returns what it was given of the past."""
    torch.manual_seed(1)
    room: RoomStream[str] = RoomStream(_Echo(), threads=1)  # type: ignore[arg-type]
    seen = dict.fromkeys("abcd", 0)
    for here in comings:
        shaded = room.shade({who: _still(ord(who)) for who in sorted(here)})
        seen = {who: seen[who] + 1 if who in here else 0 for who in seen}
        for who, picture in shaded.items():
            assert picture[0, 0].median() == pytest.approx(ord(who) * seen[who], rel=1e-4)
    room.close()


class _Echo:
    """Adds what was there to what is there now."""

    name, hidden_channels = "echo", 1

    def step(self, inputs: NetworkInputs) -> tuple[torch.Tensor, torch.Tensor]:
        return inputs.color + inputs.previous[:, :4], inputs.hidden


def _still(value: float) -> Conditions:
    """Of one eye that saw all of a still picture of 32 x 32 before."""
    here = 4.0 * torch.stack(torch.meshgrid(torch.arange(8) + 0.5, torch.arange(8) + 0.5, indexing="xy"))
    picture = torch.full((1, 4, 32, 32), float(value))
    return Conditions(
        *(picture, picture, torch.zeros(1, 12, 8, 8), here[None, None], torch.ones(1, 1, 8, 8), torch.zeros(1, 2))
    )


def test_a_wrong_count_of_eyes_is_said_and_nobody_is_changed(
    engine: Counting, room: RoomStream[str], make_window: MakeWindow, make_conditions: MakeConditions
) -> None:
    ada, ben, alone = make_window(3, 2, 0), make_window(3, 2, 1), Alone(Counting(engine._engine))
    assert_alone(room, alone, {"ada": ada[0], "ben": ben[0]})
    with pytest.raises(ValueError, match="the last frame had 2 eyes, not 1"):
        room.shade({"ada": ada[1], "ben": make_conditions(2, 1)})
    assert_alone(room, alone, {"ada": ada[1], "ben": ben[1]})


def test_an_empty_room_forgets_everybody(room: RoomStream[str], make_window: MakeWindow) -> None:
    frames = make_window(2)
    room.shade({"ada": frames[0]})
    assert room.shade({}) == {}
    anew = room.shade({"ada": frames[1]})["ada"]
    room.shade({"ada": frames[0]})
    assert (room.shade({"ada": frames[1]})["ada"] - anew).abs().max() > 1e-3


def test_everybody_goes_on_with_another_engine(
    engine: Counting, room: RoomStream[str], make_window: MakeWindow, tiny_config: ShaderConfig
) -> None:
    torch.manual_seed(5)
    wider = LiveShader(replace(tiny_config, widths=(16, 16, 48))).eval()
    torch.nn.init.constant_(wider.head.previous.bias, 1.0)
    other, alone = Counting(TorchEngine(wider, torch.float32, CPU)), Alone(Counting(engine._engine))
    windows = {"ada": make_window(3, 2, 0), "ben": make_window(3, 2, 1)}
    for frame in range(3):
        assert_alone(room, alone, {who: window[frame] for who, window in windows.items()})
        if frame == 0:
            room.use(other)
            for stream in alone.streams.values():
                stream.use(other)


def test_a_room_on_another_device(network: LiveShader, make_window: MakeWindow) -> None:
    windows = {"ada": make_window(3, 2, 0), "ben": make_window(3, 2, 1)}
    made = {}
    with pytest.MonkeyPatch.context() as patch, far_device(patch):
        for device in (CPU, FAR):
            room: RoomStream[str] = RoomStream(TorchEngine(network, torch.float32, device), threads=1)
            for frame in range(3):
                made[device] = room.shade({who: window[frame].to(device) for who, window in windows.items()})
            assert all(picture.device == device for picture in made[device].values())
            made[device] = {who: picture.cpu() for who, picture in made[device].items()}
            room.close()
    for who in windows:
        torch.testing.assert_close(made[FAR][who], made[CPU][who], rtol=0, atol=1e-4)
