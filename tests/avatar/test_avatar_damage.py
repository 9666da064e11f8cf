"""Damaged avatars: ten thousand of them, and those that are worth a test of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inperson.avatar.file import MAX_FILE_BYTES, MAX_HEADER_BYTES, load_avatar, save_avatar
from inperson.errors import BadInputError
from tests.avatar.damage import KINDS, WAYS, Parts, assembled
from tests.avatar.fuzz_avatars import MEMORY, check, check_words
from tests.avatar.made_up import made_up_avatar, made_up_photo, made_up_residuals

CASES = 12_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    path = tmp_path_factory.mktemp("whole") / "whole.avatar"
    save_avatar(made_up_avatar(60, residuals=made_up_residuals(60, components=2), photo=made_up_photo(60)), path)
    return Parts.of(path.read_bytes())


def opens_or_is_refused(path: Path) -> bool:
    """Whether it opens; fails on anything but a sane avatar or one line of plain text."""
    try:
        avatar = load_avatar(path)
    except BadInputError as error:
        check_words(error)
        return False
    check(avatar)
    return True


def test_ten_thousand_damaged_files_open_or_are_refused(tmp_path: Path) -> None:
    """In a process of its own, which a crash, a hang or a gigabyte of memory would end."""
    done = subprocess.run(
        [*(sys.executable, "-m", "tests.avatar.fuzz_avatars"), "--cases", str(CASES), "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-3000:]}\nthe file is {tmp_path / 'damaged.avatar'}"
    outcomes = json.loads(done.stdout)
    assert outcomes.pop("most_bytes") < MEMORY
    assert sum(outcomes.values()) == CASES >= 10_000
    assert outcomes["refused"] > CASES // 2  # else the damage is no damage
    assert outcomes["opened and posed"] > CASES // 20  # else posing was not tried


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_of_damage_damages(parts: Parts, way, tmp_path: Path) -> None:
    """Equal seeds give equal files, most differ from the whole one, and few open."""
    files = [way(parts, Random(seed)) for seed in range(40)]
    assert files == [way(parts, Random(seed)) for seed in range(40)]
    assert sum(data != parts.whole for data in files) >= 30
    opened = 0
    for data in files:
        (tmp_path / "one.avatar").write_bytes(data)
        opened += opens_or_is_refused(tmp_path / "one.avatar")
    assert opened < 38


names = st.sampled_from(
    ["face_index", "sh", "betas", "residual_low", "reference", "photo_image", "__metadata__", "\x1b[2J", "", "x"]
)
numbers = st.integers(-2, 70) | st.sampled_from([2**31, 2**32, 2**63, 2**64 - 1, 2**64])
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(KINDS) | st.text(max_size=4),
        "shape": st.lists(numbers, max_size=4),
        "data_offsets": st.lists(numbers, min_size=1, max_size=3),
    }
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | entries,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.dictionaries(names, entries | anything, max_size=6) | anything, size=st.integers(0, 200))
def test_any_header_that_json_can_say(tmp_path: Path, header: object, size: int) -> None:
    path = tmp_path / "any.avatar"
    path.write_bytes(assembled(header, bytes(size)))
    assert not opens_or_is_refused(path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_good_header_with_one_thing_changed(parts: Parts, tmp_path: Path, data: st.DataObject) -> None:
    """One key of one entry, or one entry of the metadata, is anything JSON can say."""
    header = json.loads(json.dumps(parts.header))
    name = data.draw(st.sampled_from([*header]))
    key = data.draw(st.sampled_from([*header[name]]))
    header[name][key] = data.draw(anything | numbers | st.text())
    path = tmp_path / "changed.avatar"
    path.write_bytes(assembled(header, parts.buffer))
    opens_or_is_refused(path)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(metadata=st.dictionaries(st.sampled_from(["name", "body_name", "provenance", "version"]), st.text()))
def test_any_text_in_the_metadata(parts: Parts, tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "texts.avatar"
    path.write_bytes(parts.with_metadata(parts.header["__metadata__"] | metadata))
    opens_or_is_refused(path)


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 1 << 40])
def test_a_file_of_a_terabyte_is_refused_by_its_size(parts: Parts, tmp_path: Path, size: int) -> None:
    path = tmp_path / "sparse.avatar"
    with path.open("wb") as file:
        file.write(parts.whole)
        file.truncate(size)
    with pytest.raises(BadInputError, match="more than the limit"):
        load_avatar(path)


def test_a_header_of_the_largest_size_full_of_spaces(tmp_path: Path) -> None:
    path = tmp_path / "spaces.avatar"
    path.write_bytes(assembled(b"{}".ljust(MAX_HEADER_BYTES), bytes(100)))
    with pytest.raises(BadInputError, match="not a"):
        load_avatar(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_avatar(tmp_path: Path) -> None:
    """Opening one would wait for ever."""
    os.mkfifo(tmp_path / "pipe.avatar")
    with pytest.raises(BadInputError, match="not found"):
        load_avatar(tmp_path / "pipe.avatar")
