"""What an ethnicity or an age changes, in the shipped bodies' betas: `python -m tools.make_phenotypes`.

MakeHuman knows people by phenotypes, our bodies by principal components. For each body this takes the person
MakeHuman makes of an ethnicity (or of old age), subtracts the body's own template person, and projects the
difference onto the betas, faces counting five times as much as their size. Written: `phenotypes.npz`.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console

from inperson.paths import assets_dir
from tools.build_body.makehuman import MakeHuman, load_makehuman
from tools.build_body.people import TEMPLATES, Person

ETHNICITIES = ("african", "asian", "caucasian")
_FACE_GAIN = 5.0
_CHIN_HEIGHT = 1.4
"""Metres above the floor, about."""
_SHARE = 0.8
"""How far a template goes towards one ethnicity (its own share is a third)."""


def main(out: Path = Path("assets/synthetic/phenotypes.npz")) -> None:
    """Project phenotypes onto betas.

    Args:
        out: file to write.
    """
    mh = load_makehuman()
    with np.load(assets_dir() / "body" / "hm08.npz") as hm08:
        names = [str(n) for n in hm08["body_names"]]
        dirs = hm08["rest_shapedirs"].astype(np.float64)
        templates = hm08["rest_templates"].astype(np.float64)
        order = hm08["body_order"].astype(int)
    height = templates[0][order, 1] - templates[0][order, 1].min()
    gain = np.where(height > _CHIN_HEIGHT, _FACE_GAIN, 1.0)
    basis = (dirs[order] * gain[:, None, None]).reshape(-1, dirs.shape[-1])
    solve = np.linalg.solve(basis.T @ basis + 1e-4 * np.eye(basis.shape[1]), basis.T)
    rows = {}
    for name, template in zip(names, templates, strict=True):
        for kind, person in _variants(TEMPLATES[name]).items():
            change = (_rest(mh, person) - template)[order] * gain[:, None]
            rows[f"{name}_{kind}"] = (solve @ change.reshape(-1)).astype(np.float32)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, **rows)
    Console().print(f"{out}: {len(rows)} directions")


def _variants(template: Person) -> dict[str, Person]:
    rest = (1.0 - _SHARE) / 2.0
    people = {
        e: replace(
            template, phenotypes={**template.phenotypes, **{f: _SHARE if f == e else rest for f in ETHNICITIES}}
        )
        for e in ETHNICITIES
    }
    people["old"] = replace(template, phenotypes={**template.phenotypes, "age": 0.95})
    return people


def _rest(mh: MakeHuman, person: Person) -> np.ndarray:
    return mh.person(person.coefficients(mh))[0]


if __name__ == "__main__":
    tyro.cli(main)
