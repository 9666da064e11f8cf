"""glTF files through gltflib: arrays of accessors, and forward kinematics of nodes, as a viewer would do them."""

from pathlib import Path

import numpy as np
from gltflib import GLTF, GLTFModel
from scipy.spatial.transform import Rotation

_TYPES = {5126: "<f4", 5125: "<u4", 5123: "<u2", 5121: "u1"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class GltfReading:
    """A .glb or .vrma."""

    def __init__(self, path: Path) -> None:
        copy = path.with_suffix(".read.glb")  # gltflib goes by the ending
        copy.write_bytes(path.read_bytes())
        gltf = GLTF.load_glb(str(copy))
        copy.unlink()
        self.model: GLTFModel = gltf.model
        self._data = bytes(gltf.get_glb_resource().data)
        self.parent = {child: n for n, node in enumerate(self.model.nodes or []) for child in node.children or []}

    def array(self, index: int) -> np.ndarray:
        """An accessor's values."""
        accessor = self.model.accessors[index]
        width = _WIDTHS[accessor.type]
        if accessor.bufferView is None:
            out = np.zeros((accessor.count, width), _TYPES[accessor.componentType])
        else:
            out = self._view(accessor.bufferView, accessor.componentType).reshape(accessor.count, width).copy()
        if accessor.sparse is not None:
            rows = self._view(accessor.sparse.indices.bufferView, accessor.sparse.indices.componentType)
            out[rows] = self._view(accessor.sparse.values.bufferView, accessor.componentType).reshape(-1, width)
        return out[:, 0] if width == 1 else out

    def node(self, name: str) -> int:
        """By its name."""
        (found,) = [n for n, node in enumerate(self.model.nodes) if node.name == name]
        return found

    def channels(self) -> dict[tuple[int, str], np.ndarray]:
        """What is animated: node and path."""
        (animation,) = self.model.animations
        return {
            (channel.target.node, channel.target.path): self.array(animation.samplers[channel.sampler].output)
            for channel in animation.channels
        }

    def times(self) -> np.ndarray:
        """The keyframes' that all samplers share."""
        (animation,) = self.model.animations
        (shared,) = {sampler.input for sampler in animation.samplers}
        return self.array(shared)

    def worlds(self, frame: int | None) -> dict[int, tuple[Rotation, np.ndarray]]:
        """Each node's rotation and place in the world at a keyframe; None for rest."""
        channels = {} if frame is None else self.channels()
        out: dict[int, tuple[Rotation, np.ndarray]] = {}

        def world(n: int) -> tuple[Rotation, np.ndarray]:
            if n not in out:
                node = self.model.nodes[n]
                turn, move = node.rotation or [0, 0, 0, 1], node.translation or [0, 0, 0]
                if (n, "rotation") in channels:
                    turn = channels[n, "rotation"][frame]
                if (n, "translation") in channels:
                    move = channels[n, "translation"][frame]
                R, t = Rotation.from_quat(turn), np.asarray(move, float)
                if n in self.parent:
                    R_parent, t_parent = world(self.parent[n])
                    R, t = R_parent * R, t_parent + R_parent.apply(t)
                out[n] = R, t
            return out[n]

        for n in range(len(self.model.nodes)):
            world(n)
        return out

    def _view(self, index: int, component: int) -> np.ndarray:
        view = self.model.bufferViews[index]
        begin = view.byteOffset or 0
        return np.frombuffer(self._data[begin : begin + view.byteLength], _TYPES[component])


def skinned(reading: GltfReading, frame: int) -> np.ndarray:
    """The mesh's vertices at a keyframe: morph targets, then linear blend skinning (glTF 2.0, 3.7.2 and 3.7.3)."""
    (shown,) = [n for n, node in enumerate(reading.model.nodes) if node.mesh is not None]
    node = reading.model.nodes[shown]
    (primitive,) = reading.model.meshes[node.mesh].primitives
    points = reading.array(primitive.attributes.POSITION).astype(float)
    weights = reading.channels()[shown, "weights"].reshape(len(reading.times()), -1)[frame]
    for weight, target in zip(weights, primitive.targets, strict=True):
        points = points + weight * reading.array(target.POSITION)
    skin = reading.model.skins[node.skin]
    binds = reading.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
    worlds = reading.worlds(frame)
    out = np.zeros_like(points)
    joints, shares = reading.array(primitive.attributes.JOINTS_0), reading.array(primitive.attributes.WEIGHTS_0)
    for k, n in enumerate(skin.joints):
        R, t = worlds[n]
        moved = R.apply(points @ binds[k, :3, :3].T + binds[k, :3, 3]) + t
        out += np.where(joints == k, shares, 0.0).sum(axis=1)[:, None] * moved
    return out
