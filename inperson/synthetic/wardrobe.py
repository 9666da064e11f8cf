"""`Wardrobe`: a folder of MakeHuman assets (clothes, hair, skins, ...), found, named and read on demand.

The folder is not part of the project. It is taken from the caller, else from INPERSON_WARDROBE, else from
`../shared/media/wardrobe` beside the checkout.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from inperson.errors import BadInputError
from inperson.synthetic.basemesh import BaseMesh
from inperson.synthetic.binding import BoundMesh, bind
from inperson.synthetic.drawables import RenderMesh
from inperson.synthetic.mhassets import Proxy, read_material, read_obj, read_proxy

ENVIRONMENT_VARIABLE = "INPERSON_WARDROBE"
DEFAULT_FOLDER = Path(__file__).parents[3] / "shared" / "media" / "wardrobe"


@dataclass(frozen=True, slots=True, eq=False)
class WornMesh:
    """A proxy bound to a body, with its topology and its texture's path."""

    name: str
    proxy: Proxy
    bound: BoundMesh
    mesh: RenderMesh
    diffuse_path: Path | None


class Wardrobe:
    """The assets in one folder. Bound meshes are kept: dressing many people reads each file once."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get(ENVIRONMENT_VARIABLE, DEFAULT_FOLDER))
        if not (self.folder / "clothes").is_dir():
            raise BadInputError(
                f"no wardrobe at {self.folder}",
                f"set {ENVIRONMENT_VARIABLE} to a folder of MakeHuman assets (clothes/, hair/, skins/, ...)",
            )
        self._bound: dict[tuple[str, int], WornMesh] = {}

    def names(self, kind: str) -> tuple[str, ...]:
        """Sorted names of the proxies in `clothes`, `hair`, `eyebrows`, `eyelashes`, `teeth` or `tongue`."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"{kind}/*/*.mhclo")))

    def proxy_path(self, kind: str, name: str) -> Path:
        """The .mhclo of a proxy."""
        found = sorted(self.folder.glob(f"{kind}/*/{name}.mhclo"))
        if not found:
            raise BadInputError(
                f"no '{name}' in the wardrobe's {kind}", f"choose one of {', '.join(self.names(kind))}"
            )
        return found[0]

    def worn(self, kind: str, name: str, base: BaseMesh) -> WornMesh:
        """A proxy bound to a body's base mesh."""
        key = (name, id(base))
        if key not in self._bound:
            path = self.proxy_path(kind, name)
            proxy = _read_proxy(path)
            obj = read_obj(proxy.obj_path)
            if len(obj.vertices) != len(proxy.indices):
                raise BadInputError(f"{path} does not fit its mesh {proxy.obj_path.name}", "fetch the wardrobe again")
            material = read_material(proxy.material_path) if proxy.material_path else None
            self._bound[key] = WornMesh(
                name,
                proxy,
                bind(proxy, base),
                RenderMesh.from_faces(obj.faces, obj.face_uvs, obj.uvs),
                material.diffuse_path if material else None,
            )
        return self._bound[key]

    def skin(self, name: str) -> Path:
        """The texture of a skin such as `young_african_female`."""
        return self._diffuse(self.folder / "skins" / name / f"{name}.mhmat", self.folder / "skins")

    def eyes(self, color: str) -> Path:
        """The texture of an eye colour such as `green`."""
        return self._diffuse(self.folder / "eyes" / "materials" / f"{color}.mhmat", self.folder / "eyes")

    def _diffuse(self, material: Path, kind: Path) -> Path:
        texture = read_material(material).diffuse_path if material.is_file() else None
        if texture is None:
            raise BadInputError(f"no '{material.stem}' with a texture in {kind}", "choose a name from that folder")
        return texture


@lru_cache(maxsize=256)
def _read_proxy(path: Path) -> Proxy:
    return read_proxy(path)


def covered_faces(mesh: RenderMesh, proxy: Proxy, hidden: np.ndarray) -> np.ndarray:
    """Faces (F,) of a worn mesh to drop: all their vertices hang on base-mesh vertices that a layer above hides."""
    covered = hidden[proxy.indices].all(axis=1)
    return covered[mesh.faces].all(axis=1)
