"""The vector type against numpy, lane by lane."""

import numpy as np
import pytest

from inperson.render.cpu import kernels
from inperson.render.cpu.kernels import kernel
from inperson.render.cpu.simd import (
    absolute,
    add_scaled,
    add_scaled_row,
    bits,
    ceil,
    copy_row,
    dot_row,
    exp2,
    floor,
    fma,
    item,
    lane_numbers,
    load,
    load_interleaved,
    load_planes,
    log2,
    lowest_bit,
    maximum,
    minimum,
    select,
    set_bit,
    splat,
    sqrt,
    store,
    store_int32,
    store_interleaved,
    store_lane_sums,
    store_planes,
    take_next,
    transpose_quarters,
    zeros_like,
)

ZERO = np.float32(0)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).uniform(-3, 3, 512).astype(np.float32)


@kernel
def arithmetic(a, out):
    x, y = load(a, 0), load(a, 16)
    store(out, 0, x * 2 + y)
    store(out, 16, (1.5 - x) / y)
    store(out, 32, -fma(x, y, 0.25))
    store(out, 48, minimum(x, y))
    store(out, 64, maximum(x, 0.5))
    store(out, 80, select((x > y) & ~(x >= 1.0), x, y))
    store(out, 96, sqrt(absolute(x)))
    store(out, 112, floor(x) + 10.0 * ceil(y))
    store(out, 128, lane_numbers() + splat(3))
    return bits(x < y), bits(x <= x)


def test_arithmetic(values):
    out = np.zeros(144, np.float32)
    less, all_equal = arithmetic(values, out)
    x, y = values[:16], values[16:32]
    expected = [
        *(x * 2 + y, (1.5 - x) / y, -(x * y + 0.25), np.minimum(x, y), np.maximum(x, 0.5)),
        *(np.where((x > y) & ~(x >= 1), x, y), np.sqrt(np.abs(x))),
        *(np.floor(x) + 10 * np.ceil(y), np.arange(16) + 3),
    ]
    np.testing.assert_allclose(out.reshape(9, 16), expected, rtol=1e-5, atol=1e-6)
    assert less == sum(int(x[i] < y[i]) << i for i in range(16))
    assert all_equal == 0xFFFF


@kernel
def elementary(a, powers, logarithms):
    for i in range(0, a.size, 16):
        store(powers, i, exp2(load(a, i)))
        store(logarithms, i, log2(load(powers, i)))


def test_exp2_and_log2_over_their_range():
    x = np.linspace(-30, 30, 4096, dtype=np.float32)
    powers, logarithms = np.zeros_like(x), np.zeros_like(x)
    elementary(x, powers, logarithms)
    np.testing.assert_allclose(powers, np.exp2(x.astype(np.float64)), rtol=1e-6)
    np.testing.assert_allclose(logarithms, np.log2(powers.astype(np.float64)), rtol=1e-6, atol=2e-7)


@kernel
def memory(a, out, whole, like):
    columns = load_interleaved(a, 0, like)
    store_planes(out, 0, 16, columns)
    store_interleaved(out, 256, columns)
    store_int32(whole, 0, load(a, 0))
    copy_row(out, 500, a, 7, like)


@pytest.mark.parametrize("k", [1, 3, 4, 8])
def test_interleaved_rows_become_columns_and_rows_again(values, k):
    out, whole = np.zeros(512, np.float32), np.zeros(16, np.int32)
    memory(values, out, whole, (ZERO,) * k)
    np.testing.assert_array_equal(out[: 16 * k].reshape(k, 16), values[: 16 * k].reshape(16, k).T)
    np.testing.assert_array_equal(out[256 : 256 + 16 * k], values[: 16 * k])
    np.testing.assert_array_equal(whole, np.trunc(values[:16]))
    np.testing.assert_array_equal(out[500 : 500 + k], values[7 : 7 + k])


@kernel
def channels(a, out, like):
    weight = load(a, 0)
    sums = add_scaled_row(zeros_like(like), weight, a, 20)
    sums = add_scaled(sums, weight, load_planes(a, 40, 16, like))
    store_planes(out, 0, 16, sums)
    store(out, 320, dot_row(weight, sums, a, 5))
    store_lane_sums(out, 336, sums)


@pytest.mark.parametrize("count", [1, 5, 13, 18])
def test_channels(values, count):
    out = np.zeros(512, np.float32)
    channels(values, out, (ZERO,) * count)
    weight, planes = values[:16], values[40 : 40 + 16 * count].reshape(count, 16)
    sums = weight * values[20 : 20 + count, None] + weight * planes
    np.testing.assert_allclose(out[: 16 * count].reshape(count, 16), sums, rtol=1e-5, atol=1e-6)
    dot = weight + (sums * values[5 : 5 + count, None]).sum(0)
    np.testing.assert_allclose(out[320:336], dot, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(out[336 : 336 + count], sums.sum(1), rtol=1e-4, atol=1e-5)
    assert not out[336 + count : 336 + -(-count // 16) * 16].any()


@kernel
def quarters(a, out, like):
    store_planes(out, 0, 16, transpose_quarters(load_planes(a, 0, 16, like)))


def test_blocks_become_rows_of_pixels(values):
    out = np.zeros(64, np.float32)
    quarters(values, out, (ZERO,) * 4)
    blocks = values[:64].reshape(4, 4, 4)  # block, row, column
    np.testing.assert_array_equal(out.reshape(4, 16), blocks.transpose(1, 0, 2).reshape(4, 16))


def test_compiled_kernels_are_not_reused_when_any_source_of_the_package_changes(monkeypatch):
    cache, signature = quarters._cache, quarters.signatures[0] if quarters.signatures else ()
    codegen = quarters.targetctx.codegen()
    before = cache._index_key(signature, codegen)
    assert cache._index_key(signature, codegen) == before
    monkeypatch.setattr(kernels, "_SOURCES", "another digest")
    assert cache._index_key(signature, codegen) != before


@kernel
def sets_and_counters(a, sets, counter):
    set_bit(sets, 0, load(a, 0) > 0.0, 5)
    set_bit(sets, 0, load(a, 0) > 1.0, 31)
    return take_next(counter), take_next(counter), lowest_bit(np.int64(40)), item(a, 3)


def test_sets_and_counters(values):
    sets, counter = np.zeros(16, np.uint32), np.array([7], np.int64)
    first, second, lowest, fourth = sets_and_counters(values, sets, counter)
    np.testing.assert_array_equal(
        sets, (values[:16] > 0) * np.uint32(1 << 5) + (values[:16] > 1) * np.uint32(1 << 31)
    )
    assert (first, second, counter[0], lowest) == (7, 8, 9, 3)
    assert fourth == values[3]
