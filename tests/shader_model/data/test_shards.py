"""Windows in shards: what goes in comes out, as exactly as it is stored; and the same windows give the same bytes."""

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from inperson.reconstruct.training.shards import find_shards, read_shards, write_shard
from inperson.shader_model.data.shards import decode_window, encode_window, own_places
from inperson.shader_model.interface import Conditions
from tests.shader_model.made_up_windows import made_up_window


@pytest.mark.parametrize("eyes", [1, 2])
def test_a_window_survives_a_shard(tmp_path: Path, eyes: int) -> None:
    window = made_up_window(3, eyes=eyes, frames=3, size=64)
    write_shard(tmp_path / "train-00000.tar", [encode_window(window)])
    (sample,) = read_shards(find_shards(tmp_path, "train"))
    back = decode_window(sample)
    assert (back.name, back.eyes, len(back.conditions)) == (window.name, eyes, 3)
    torch.testing.assert_close(back.truth, window.truth, atol=0.51 / 255, rtol=0)
    tolerance = {
        "color": 0.51 / 255,
        "photo": 0.51 / 255,
        "dense": 1e-3,
        "before": 0.01,
        "seen_before": 1e-3,
        "switch": 0.0,
    }
    assert set(tolerance) == {field.name for field in fields(Conditions)}
    for before, after in zip(window.conditions, back.conditions, strict=True):
        for name, atol in tolerance.items():
            value, stored = getattr(before, name), getattr(after, name)
            assert stored.dtype == torch.float32
            torch.testing.assert_close(stored, value, atol=atol, rtol=0)
    again = decode_window(encode_window(back) | {"__key__": back.name})
    torch.testing.assert_close(again.truth, back.truth, atol=0, rtol=0)


def test_the_first_frame_of_a_window_remembers_nothing() -> None:
    back = decode_window(encode_window(made_up_window(4, eyes=2, frames=2, size=32)))
    assert [c.before.shape[1] for c in back.conditions] == [0, 2]
    assert [c.seen_before.shape for c in back.conditions] == [(2, 0, 8, 8), (2, 2, 8, 8)]


def test_the_same_windows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_shard(tmp_path / name, [encode_window(made_up_window(5, frames=2, size=32))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_own_places_are_the_middles_of_inner_pixels() -> None:
    places = own_places(2, 3)
    assert places[:, 0, 0].tolist() == [2.0, 2.0]
    assert places[:, 1, 2].tolist() == [10.0, 6.0]
