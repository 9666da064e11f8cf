"""Reading body files: the licensed layout drops in, and every wrong file is one clear line."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inperson.avatar.body import load_body
from inperson.avatar.pose_correctives import PoseCorrectives
from inperson.errors import BadInputError
from tests.avatar.body_files import NUM_LICENSED_VERTICES, licensed_arrays, write_npz

SMALL = 120


def test_a_licensed_file_drops_in(tmp_path: Path) -> None:
    arrays = licensed_arrays()
    body = load_body(write_npz(tmp_path / "SMPLX_MALE.npz", arrays))
    assert (body.name, body.num_vertices) == ("SMPLX_MALE", NUM_LICENSED_VERTICES)
    assert (body.num_betas, body.num_expression) == (300, 100)
    assert body.expr_names is None, "principal components have no ARKit names"
    assert body.vertex_part is None
    np.testing.assert_array_equal(body.posedirs, arrays["posedirs"])
    np.testing.assert_array_equal(body.exprdirs, arrays["shapedirs"][..., 300:])


def test_short_licensed_files_have_ten_and_ten(tmp_path: Path) -> None:
    arrays = licensed_arrays(SMALL, shape_columns=20)
    body = load_body(write_npz(tmp_path / "short.npz", arrays))
    np.testing.assert_array_equal(body.shapedirs, arrays["shapedirs"][..., :10])
    np.testing.assert_array_equal(body.exprdirs, arrays["shapedirs"][..., 10:])


def test_expression_names_come_from_the_file(tmp_path: Path) -> None:
    arrays = licensed_arrays(SMALL)
    arrays["shapedirs"][..., 303:] = 0
    arrays["expr_names"] = np.array(["jawOpen", "smile", "blink"])
    body = load_body(write_npz(tmp_path / "named.npz", arrays))
    assert body.expr_names == ("jawOpen", "smile", "blink")
    assert body.num_expression == 3


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "body.npz", licensed_arrays(SMALL))
    first = load_body(path)
    assert load_body(path) is first
    write_npz(path, licensed_arrays(SMALL, seed=1))
    assert load_body(path).sha256 != first.sha256


class _Exploding:
    """Unpickling it would fail the test loudly."""

    def __reduce__(self) -> tuple:
        return (pytest.fail, ("a body file was unpickled",))


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    arrays = licensed_arrays(SMALL)
    arrays["part2num"] = np.array(_Exploding(), dtype=object)
    load_body(write_npz(tmp_path / "booby_trapped.npz", arrays))
    arrays["weights"] = np.array([_Exploding()], dtype=object)
    with pytest.raises(BadInputError, match="pickled or damaged arrays"):
        load_body(write_npz(tmp_path / "worse.npz", arrays))


def _without(*keys: str) -> dict[str, np.ndarray]:
    return {k: v for k, v in licensed_arrays(SMALL).items() if k not in keys}


def _with(**changes: np.ndarray) -> dict[str, np.ndarray]:
    return {**licensed_arrays(SMALL), **changes}


def _spoiled(key: str, value: float) -> dict[str, np.ndarray]:
    arrays = licensed_arrays(SMALL)
    arrays[key].reshape(-1)[7] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"poses": np.zeros((4, 165))}, "is not a body: it lacks v_template, shapedirs, posedirs"),
        (_without("posedirs", "weights"), "lacks posedirs, weights"),
        (_with(kintree_table=np.zeros((2, 24))), r"has 24 joints \(SMPL\), SMPL-X has 55"),
        (_with(kintree_table=np.zeros((2, 52))), r"has 52 joints \(SMPL-H\)"),
        (_with(weights=np.zeros((SMALL, 54), np.float32)), r"weights is \(120, 54\), expected \(120, 55\)"),
        (_with(posedirs=np.zeros((SMALL, 3, 207))), r"posedirs is \(120, 3, 207\)"),
        (_with(shapedirs=np.zeros((SMALL, 3, 12))), "has 12 shape columns"),
        (_with(f=np.array([[0, 1, SMALL]])), "name vertices that do not exist"),
        (_with(kintree_table=np.stack([np.arange(55), np.arange(55)])), "not a tree"),
        (_with(v_template=np.full((SMALL, 3), "x")), "v_template holds <U1, not numbers"),
        (_with(expr_names=np.array(["jawOpen"])), r"expr_names is \(1,\), expected \(100,\)"),
        (_with(hands_meanl=np.zeros(12)), r"hands_meanl is \(12,\), expected \(45,\)"),
        (_with(vertex_part=np.zeros(SMALL + 1)), r"vertex_part is \(121,\), expected \(120,\)"),
        (_spoiled("v_template", np.nan), "v_template holds numbers that are not finite"),
        (_spoiled("posedirs", np.inf), "posedirs holds numbers that are not finite"),
    ],
)
def test_a_wrong_npz_is_named_with_its_fault(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = write_npz(tmp_path / "wrong.npz", arrays)
    with pytest.raises(BadInputError, match=message) as caught:
        load_body(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    pickled = tmp_path / "SMPLX_NEUTRAL.pkl"
    pickled.write_bytes(pickle.dumps({"v_template": 1}))
    with pytest.raises(BadInputError, match=r"SMPLX_NEUTRAL.pkl' is not an npz"):
        load_body(pickled)
    zipped = tmp_path / "photos.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(BadInputError, match="is not a body"):
        load_body(zipped)
    with pytest.raises(BadInputError, match="not found"):
        load_body("dinosaur")


def test_a_damaged_download(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "body.npz", licensed_arrays(SMALL))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="damaged"):
        load_body(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInputError, match="not an npz"):
        load_body(path)


@given(seed=st.integers(0, 2**32 - 1), num_vertices=st.integers(1, 30), share=st.floats(0, 1))
def test_sparse_correctives_keep_every_number(seed: int, num_vertices: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(num_vertices, 3, 486)).astype(np.float32)
    dense *= np.repeat(rng.random((num_vertices, 1, 54)) < share, 9, axis=2)
    np.testing.assert_array_equal(PoseCorrectives.from_dense(dense).dense(), dense)
