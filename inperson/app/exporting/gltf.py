"""glTF 2.0 in one binary file: JSON and the numbers it speaks of.

Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html (sections 3.6 and 4.4). The same content
gives the same bytes.
"""

import json
import struct
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from inperson.app.exporting.skeleton import PELVIS, Skeleton, SkeletonMotion

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENTS = {"float32": 5126, "uint32": 5125, "uint16": 5123, "uint8": 5121}
_KINDS = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_SPARSE_SHARE = 0.3
"""Of rows that are not zero, up to which naming them takes less room."""
_HEAD, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")


class GltfFile:
    """A glTF file that is put together piece by piece. Each `add_` gives the index of what it added."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": f"InPerson {version('inperson')}"},
            "scene": 0,
            "scenes": [{"nodes": []}],
        }
        self._data = bytearray()

    def add(self, what: str, item: dict[str, Any]) -> int:
        """Add to a list of the file: `nodes`, `meshes`, `skins`, ..."""
        items = self.json.setdefault(what, [])
        items.append(item)
        return len(items) - 1

    def add_node(self, node: dict[str, Any], *, root: bool = False) -> int:
        """Add a node; a root is in the scene."""
        index = self.add("nodes", node)
        if root:
            self.json["scenes"][0]["nodes"].append(index)
        return index

    def add_accessor(self, values: np.ndarray, *, target: int | None = None, bounds: bool = False) -> int:
        """Add an array.

        Args:
            values: the first axis counts elements: scalars, vectors of 3 or 4, 4x4 matrices (transposed: glTF stores
                columns).
            target: what a graphics card uses it for.
            bounds: say its least and largest values, which positions and keyframes' times must.
        """
        accessor = self._accessor(values) | {"bufferView": self._view(values, target)}
        return self.add("accessors", accessor | (_bounds(values) if bounds else {}))

    def add_sparse_accessor(self, values: np.ndarray) -> int:
        """Add an array of positions that are mostly zero."""
        (rows,) = np.nonzero(values.reshape(len(values), -1).any(axis=1))
        if len(rows) > _SPARSE_SHARE * len(values):
            return self.add_accessor(values, target=ARRAY_BUFFER, bounds=True)
        accessor = self._accessor(values) | _bounds(values)
        if len(rows):
            indices = {"bufferView": self._view(rows.astype(np.uint32)), "byteOffset": 0}
            accessor["sparse"] = {
                "count": len(rows),
                "indices": indices | {"componentType": _COMPONENTS["uint32"]},
                "values": {"bufferView": self._view(values[rows]), "byteOffset": 0},
            }
        return self.add("accessors", accessor)

    def to_bytes(self) -> bytes:
        """The file, as .glb and .vrma have it."""
        if self._data:
            self.json["buffers"] = [{"byteLength": len(self._data)}]
        text = json.dumps(self.json, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        text = text.ljust(-(-len(text) // 4) * 4)
        data = bytes(self._data).ljust(-(-len(self._data) // 4) * 4, b"\0")
        chunks = _CHUNK.pack(len(text), b"JSON") + text + _CHUNK.pack(len(data), b"BIN\0") + data
        return _HEAD.pack(b"glTF", 2, _HEAD.size + len(chunks)) + chunks

    def _accessor(self, values: np.ndarray) -> dict[str, Any]:
        kind, component = _KINDS[values.shape[1:]], _COMPONENTS[values.dtype.name]
        return {"componentType": component, "count": len(values), "type": kind}

    def _view(self, values: np.ndarray, target: int | None = None) -> int:
        self._data += b"\0" * (-len(self._data) % 4)
        data = np.ascontiguousarray(values).tobytes()
        view = {"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data)}
        self._data += data
        return self.add("bufferViews", view | ({} if target is None else {"target": target}))


class Animation:
    """The file's one animation: channels over the same keyframes, linear in between.

    Args:
        seconds: of the keyframes, float32, rising from 0.
    """

    def __init__(self, file: GltfFile, name: str, seconds: np.ndarray) -> None:
        self._file = file
        self._times = file.add_accessor(np.asarray(seconds, np.float32), bounds=True)
        self._samplers: list[dict[str, Any]] = []
        self._channels: list[dict[str, Any]] = []
        file.add("animations", {"name": name, "channels": self._channels, "samplers": self._samplers})

    def add(self, node: int, path: str, values: np.ndarray) -> None:
        """Animate a node's `translation`, `rotation` (quat_xyzw) or `weights` (a keyframe's all after each other)."""
        output = self._file.add_accessor(np.asarray(values, np.float32))
        self._channels.append({"sampler": len(self._samplers), "target": {"node": node, "path": path}})
        self._samplers.append({"input": self._times, "output": output, "interpolation": "LINEAR"})


def add_skeleton(file: GltfFile, skeleton: Skeleton, joints: Sequence[int] | None = None) -> dict[int, int]:
    """Add a node for each joint, hanging on each other as in the skeleton, not turned at rest.

    Args:
        joints: which ones; a parent must be among them. None for all.

    Returns:
        Each joint's node.
    """
    wanted = range(len(skeleton.rest)) if joints is None else joints
    nodes: dict[int, int] = {}
    for joint in wanted:
        node = {"name": skeleton.names[joint], "translation": skeleton.offsets[joint].tolist()}
        nodes[joint] = file.add_node(node, root=joint == PELVIS)
    for joint in wanted:
        children = [nodes[child] for child in skeleton.children[joint] if child in nodes]
        if children:
            file.json["nodes"][nodes[joint]]["children"] = children
    return nodes


def animate_skeleton(animation: Animation, motion: SkeletonMotion, nodes: dict[int, int]) -> None:
    """The pelvis' place, and every joint's rotation."""
    animation.add(nodes[PELVIS], "translation", motion.places)
    quats = motion.quats_xyzw()
    for joint, node in nodes.items():
        animation.add(node, "rotation", quats[:, joint])


def _bounds(values: np.ndarray) -> dict[str, Any]:
    """As the file will hold them: float32 exactly."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
