"""The stages of the `cpu` backend one after the other, forwards and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike, NDArray

from inperson.render.cpu import binning, compositing, gradients, projection, unprojection
from inperson.render.cpu.layout import RECORD, TILE, row_stride
from inperson.render.cpu.simd import LANES
from inperson.render.views import EyeView, common_size
from inperson.workers import Workers

ALIGNMENT = 64
"""Bytes of a cache line, and of a vector."""


@dataclass(frozen=True, slots=True)
class Gaussians:
    """N >= 16 Gaussians as the kernels read them: float32, C-contiguous, flat."""

    means: NDArray[np.float32]
    quats: NDArray[np.float32]
    scales: NDArray[np.float32]
    opacities: NDArray[np.float32]
    colors: NDArray[np.float32]
    num_colors: int
    num_given: int
    """How many the caller gave; the rest, up to 16, are invisible."""

    @staticmethod
    def of(
        means: Float[np.ndarray, "N 3"],
        quats: Float[np.ndarray, "N 4"],
        scales: Float[np.ndarray, "N 3"],
        opacities: Float[np.ndarray, " N"],
        colors: Float[np.ndarray, "N C"],
    ) -> "Gaussians":
        """Views of the caller's arrays where their layout allows it, copies otherwise.

        Raises:
            ValueError: shapes that do not belong together (kernels do not check where they read).
        """
        n, num_colors = len(opacities), colors.shape[1] if colors.ndim == 2 else 0
        shapes = [a.shape for a in (means, quats, scales, opacities, colors)]
        if shapes != [(n, 3), (n, 4), (n, 3), (n,), (n, num_colors)] or num_colors == 0:
            raise ValueError(f"means, quats, scales, opacities and colors do not belong together: {shapes}")
        flat_means, flat_quats, flat_scales, flat_opacities, flat_colors = (
            _flat_and_padded(a) for a in (means, quats, scales, opacities, colors)
        )
        return Gaussians(flat_means, flat_quats, flat_scales, flat_opacities, flat_colors, num_colors, n)

    @property
    def count(self) -> int:
        """Including those added to make 16."""
        return self.opacities.size


def _flat_and_padded(array: NDArray) -> NDArray[np.float32]:
    """Zeros after the last row until there are 16 rows; writable, because numba compiles those only once."""
    missing = max(0, LANES - len(array))
    padded = np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1)) if missing else array
    return np.require(padded, np.float32, ["C", "W"]).reshape(-1)


class Workspace:
    """Memory that is kept from one frame to the next; it grows to what the largest frame needed."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """An array with any contents, aligned to cache lines; the last one of this name is overwritten."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size + ALIGNMENT:
            buffer = self._buffers[name] = np.empty(size + size // 4 + ALIGNMENT, np.uint8)
        start = -buffer.ctypes.data % ALIGNMENT
        return buffer[start : start + size].view(dtype).reshape(shape)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn image and what the way back from it needs; arrays as in `layout`."""

    gaussians: Gaussians
    cameras: Float[np.ndarray, "V fields"]
    records: NDArray[np.float32]
    entries: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    tiles_across: int
    planes: Float[np.ndarray, "V C+2 H W"]
    """The colour channels, depth (metres times alpha), alpha."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """The loss's derivatives by what was drawn, summed over views."""

    means: Float[np.ndarray, "N 3"]
    quats: Float[np.ndarray, "N 4"]
    scales: Float[np.ndarray, "N 3"]
    opacities: Float[np.ndarray, " N"]
    colors: Float[np.ndarray, "N C"]


def pack_cameras(views: Sequence[EyeView]) -> Float[np.ndarray, "V fields"]:
    """The fields of `projection.Camera`, one row a view."""
    rows = []
    for view in views:
        K, T = view.intrinsics, view.T_cv_from_world
        lens = (K.fx, K.fy, K.cx, K.cy, view.near, view.far, view.width, view.height)
        rows.append([*lens, *T[:3, :3].ravel(), *T[:3, 3]])
    return np.array(rows, np.float32)


def _like(length: int) -> tuple[np.float32, ...]:
    return (np.float32(0),) * length


class Engine:
    """Draws on `threads` threads."""

    def __init__(self, threads: int) -> None:
        self.workers = Workers(threads)
        self._backward_workspace = Workspace()
        self._backward_lock = Lock()

    def close(self) -> None:
        """End the threads."""
        self.workers.close()

    def draw(
        self, gaussians: Gaussians, views: Sequence[EyeView], workspace: Workspace, planes: NDArray[np.float32]
    ) -> Drawing:
        """Draw into `planes` (V, C+2, H, W). The result lives in `workspace`, until that is used again."""
        width, height = common_size(views)
        num_views, n = len(views), gaussians.count
        tiles_across, tiles_down = -(-width // TILE), -(-height // TILE)
        num_tiles = tiles_across * tiles_down
        chunk = -(-n // (self.workers.count * LANES)) * LANES
        num_chunks = -(-n // chunk)
        cameras = pack_cameras(views)

        records = workspace.array("records", (num_views, n, RECORD), np.float32)
        rects = workspace.array("rects", (num_views, n), np.int64)
        tickets, spare = (workspace.array(name, (num_views, n), np.uint64) for name in ("tickets", "spare"))
        seen_counts = np.zeros((num_views, num_chunks), np.int64)
        tile_counts = np.zeros((num_views, num_chunks, num_tiles), np.uint32)
        self.workers.run(
            projection.project_and_cull,
            cameras,
            gaussians.means,
            gaussians.quats,
            gaussians.scales,
            gaussians.opacities,
            chunk,
            tiles_across,
            records,
            rects,
            tickets,
            seen_counts,
            tile_counts,
        )

        most_entries = int(tile_counts.sum(axis=(1, 2)).max())
        entries = workspace.array("entries", (num_views, most_entries + 1), np.uint32)
        starts = workspace.array("starts", (num_views, num_tiles + 1), np.uint32)
        self.workers.run(
            binning.sort_and_bin,
            chunk,
            tiles_across,
            rects,
            tickets,
            spare,
            seen_counts,
            tile_counts,
            starts,
            entries,
        )

        colors = gaussians.num_colors
        scratch = workspace.array("tiles", (self.workers.count, compositing.scratch_floats(colors)), np.float32)
        self.workers.run(
            compositing.composite,
            scratch,
            tiles_across,
            records,
            gaussians.colors,
            entries,
            starts,
            height,
            width,
            planes.reshape(-1),
            _like(colors),
            _like(colors + 1),
        )
        return Drawing(gaussians, cameras, records, entries, starts, tiles_across, planes)

    def backward(self, drawing: Drawing, v_planes: Float[np.ndarray, "V C+2 H W"]) -> Gradients:
        """The derivatives by the Gaussians, from those by the planes of `drawing`."""
        with self._backward_lock:
            return self._backward(drawing, v_planes, self._backward_workspace)

    def _backward(
        self, drawing: Drawing, v_planes: Float[np.ndarray, "V C+2 H W"], workspace: Workspace
    ) -> Gradients:
        given, n, colors = drawing.gaussians, drawing.gaussians.count, drawing.gaussians.num_colors
        num_views, _, height, width = drawing.planes.shape
        stride = row_stride(colors)
        rows = workspace.array("rows", (num_views, drawing.entries.shape[1], stride), np.float32)
        row_owners = workspace.array("row_owners", rows.shape[:2], np.uint32)
        row_counts = workspace.array("row_counts", (num_views, drawing.starts.shape[1] - 1), np.int64)
        scratch = workspace.array("tiles", (self.workers.count, gradients.scratch_floats(colors)), np.float32)
        self.workers.run(
            gradients.tile_gradients,
            scratch,
            drawing.tiles_across,
            drawing.records,
            given.colors,
            drawing.entries,
            drawing.starts,
            height,
            width,
            drawing.planes.reshape(-1),
            np.require(v_planes, np.float32, ["C", "W"]).reshape(-1),
            rows,
            row_owners,
            row_counts,
            _like(colors),
            _like(colors + 1),
        )
        totals = workspace.array("totals", (num_views, n, stride), np.float32)
        self.workers.run(gradients.sum_rows, self.workers.count, drawing.starts, rows, row_owners, row_counts, totals)
        out = [np.empty(size, np.float32) for size in (3 * n, 4 * n, 3 * n, n, colors * n)]
        self.workers.run(
            unprojection.unproject,
            drawing.cameras,
            given.means,
            given.quats,
            given.scales,
            given.opacities,
            64 * LANES,
            totals,
            colors,
            *out,
        )
        means, quats, scales, opacities, color_gradients = out
        kept = slice(0, given.num_given)
        return Gradients(
            means.reshape(n, 3)[kept],
            quats.reshape(n, 4)[kept],
            scales.reshape(n, 3)[kept],
            opacities[kept],
            color_gradients.reshape(n, colors)[kept],
        )
