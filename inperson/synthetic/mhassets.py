"""Readers of MakeHuman's plain-text assets: meshes (.obj), proxies (.mhclo) and materials (.mhmat).

Format: MakeHuman's proxy documentation, and what its own files do where the documentation is silent
(`material` may follow `verts 0`; a single index means "sits on that vertex"; ranges include their end).
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from inperson.errors import BadInputError

NUM_HM08_VERTICES = 19158
"""Vertices of MakeHuman's base mesh hm08, helpers (invisible clothing hulls, joint cubes) included."""


@dataclass(frozen=True, slots=True)
class ObjMesh:
    """A triangulated mesh whose corners index positions and texture coordinates separately."""

    vertices: Float[np.ndarray, "V 3"]
    uvs: Float[np.ndarray, "T 2"]
    """Origin at the lower left, as in OpenGL."""
    faces: Int[np.ndarray, "F 3"]
    face_uvs: Int[np.ndarray, "F 3"]


@dataclass(frozen=True, slots=True)
class OffsetScale:
    """Offsets along `axis` grow with the distance of two base-mesh vertices along it, over `denominator`."""

    axis: int
    vertex_a: int
    vertex_b: int
    denominator: float


@dataclass(frozen=True, slots=True)
class Proxy:
    """A garment (hair, teeth, ...) bound to hm08: vertex n is `weights[n] @ base[indices[n]] + scaled offset`."""

    name: str
    indices: Int[np.ndarray, "N 3"]
    weights: Float[np.ndarray, "N 3"]
    """Sum to one; may be negative (the vertex lies outside its triangle)."""
    offsets: Float[np.ndarray, "N 3"]
    """Decimetres, along the axes of the base mesh in its rest pose."""
    scales: tuple[OffsetScale, ...]
    hides: Bool[np.ndarray, "19158"]
    """Base-mesh vertices covered by this proxy."""
    layer: int
    """MakeHuman's z_depth: higher lies on top."""
    obj_path: Path
    material_path: Path | None


@dataclass(frozen=True, slots=True)
class MaterialFile:
    """What we read of an .mhmat."""

    diffuse_path: Path | None
    color: tuple[float, float, float]
    transparent: bool


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInputError(f"{path} cannot be read ({error.strerror})", "check the wardrobe folder") from error
    return [tokens for line in text.splitlines() if (tokens := line.split()) and not tokens[0].startswith("#")]


def _corner(token: str) -> tuple[int, int]:
    vertex, _, rest = token.partition("/")
    uv = rest.partition("/")[0]
    return int(vertex) - 1, int(uv) - 1 if uv else 0


def read_obj(path: Path) -> ObjMesh:
    """Positions, texture coordinates and faces of a Wavefront file; polygons become fans of triangles."""
    vertices: list[list[float]] = []
    uvs: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    face_uvs: list[tuple[int, int, int]] = []
    try:
        for keyword, *values in _lines(path):
            if keyword == "v":
                vertices.append([float(x) for x in values[:3]])
            elif keyword == "vt":
                uvs.append([float(x) for x in values[:2]])
            elif keyword == "f":
                first, *others = [_corner(v) for v in values]
                for b, c in pairwise(others):
                    faces.append((first[0], b[0], c[0]))
                    face_uvs.append((first[1], b[1], c[1]))
    except ValueError as error:
        raise BadInputError(f"{path} is not a Wavefront mesh ({error})", "fetch the wardrobe again") from error
    if not vertices or not faces:
        raise BadInputError(f"{path} holds no faces", "fetch the wardrobe again")
    return ObjMesh(
        np.array(vertices),
        np.array(uvs or [[0.0, 0.0]]),
        np.array(faces, np.int64),
        np.array(face_uvs, np.int64),
    )


def _hidden_ranges(tokens: list[str], hides: Bool[np.ndarray, "19158"]) -> None:
    """Marks the vertices of one `delete_verts` line: single ids and inclusive ranges `a - b`."""
    i = 0
    while i < len(tokens):
        first = last = int(tokens[i])
        if i + 2 < len(tokens) and tokens[i + 1] == "-":
            last = int(tokens[i + 2])
            i += 2
        hides[first : last + 1] = True
        i += 1


def read_proxy(path: Path) -> Proxy:
    """Reads an .mhclo file."""
    name, obj_name, material_name, layer = path.stem, "", "", 50
    scales: list[OffsetScale] = []
    rows: list[list[float]] = []
    hides = np.zeros(NUM_HM08_VERTICES, bool)
    section = ""
    try:
        for tokens in _lines(path):
            keyword, values = tokens[0], tokens[1:]
            if keyword in ("verts", "delete_verts", "weights"):
                section = keyword
            elif keyword in ("x_scale", "y_scale", "z_scale"):
                a, b, denominator = int(values[0]), int(values[1]), float(values[2])
                scales.append(OffsetScale("xyz".index(keyword[0]), a, b, denominator))
            elif keyword == "name":
                name = values[0]
            elif keyword == "obj_file":
                obj_name = values[0]
            elif keyword == "material":
                material_name = values[0]
            elif keyword == "z_depth":
                layer = int(values[0])
            elif section == "verts" and keyword.isdigit():
                rows.append([float(x) for x in tokens])
            elif section == "delete_verts":
                _hidden_ranges(tokens, hides)
        binding = np.array([row if len(row) >= 9 else [row[0]] * 3 + [1.0] + [0.0] * 5 for row in rows])
        binding = binding.reshape(-1, binding.shape[-1])[:, :9]
    except (ValueError, IndexError) as error:
        raise BadInputError(f"{path} is not a MakeHuman proxy ({error})", "fetch the wardrobe again") from error
    if not rows or not obj_name:
        raise BadInputError(f"{path} binds no vertices", "fetch the wardrobe again")
    return Proxy(
        name=name,
        indices=binding[:, :3].astype(np.int64),
        weights=binding[:, 3:6],
        offsets=binding[:, 6:9],
        scales=tuple(scales),
        hides=hides,
        layer=layer,
        obj_path=path.parent / obj_name,
        material_path=(path.parent / material_name).resolve() if material_name else None,
    )


def read_material(path: Path) -> MaterialFile:
    """Reads the texture, colour and transparency of an .mhmat file."""
    diffuse: Path | None = None
    color = (1.0, 1.0, 1.0)
    transparent = False
    for keyword, *values in _lines(path):
        if keyword == "diffuseTexture" and values:
            diffuse = (path.parent / values[0]).resolve()
        elif keyword == "diffuseColor":
            color = (float(values[0]), float(values[1]), float(values[2]))
        elif keyword == "transparent":
            transparent = values[0].lower() == "true"
    return MaterialFile(diffuse, color, transparent)
