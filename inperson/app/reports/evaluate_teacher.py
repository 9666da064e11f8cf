"""What `inperson evaluate teacher` shows: tables of the teacher beside the live shader."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from inperson.app.reports.evaluate_shader import cell

METHODS = ("plain", "live", "teacher")
_SCORES: tuple[tuple[str, str, str], ...] = (
    ("psnr", "PSNR dB", ".2f"),
    ("ssim", "SSIM", ".3f"),
    ("perceptual", "perceptual", ".4f"),
    ("sharpness", "sharpness", ".2f"),
)


def teacher_tables(whole: dict[str, Any]) -> Iterator[Table]:
    """Of an evaluation as JSON (`evaluation.orbit.report.as_json`); of what was left out there is none."""
    orbit, moving = whole["orbit"], whole["moving"]
    yield _pictures(orbit, "All around people who stand still (aim: the teacher over the live shader)")
    yield _sides(orbit["by_angle"])
    if orbit["seam"] is not None:
        yield _seam(orbit["seam"])
    if moving is not None:
        yield _pictures(moving, "In motion (aim: the teacher over the live shader)")
        yield _warping(moving["warping"])


def _pictures(scores: dict[str, Any], title: str) -> Table:
    """A row for each way."""
    table = Table("", *(name for _, name, _ in _SCORES), title=title)
    for method in METHODS:
        table.add_row(method, *(cell(scores[method][key], form) for key, _, form in _SCORES))
    said = []
    for than in ("live", "plain"):
        gain = scores["gain"][f"over_{than}"]
        better = cell(gain["perceptual"], ".1%")
        error = cell(gain["psnr_standard_error"], ".2f")
        said.append(f"over {than} {cell(gain['psnr'], '+.2f')} ± {error} dB, perceptual {better} better")
    table.caption = f"the teacher {'; '.join(said)}"
    return table


def _sides(sides: dict[str, Any]) -> Table:
    table = Table("seen from", *(f"{method} dB" for method in METHODS), title="From each side")
    for side, scores in sides.items():
        table.add_row(side, *(cell(scores[method]["psnr"], ".2f") for method in METHODS))
    return table


def _seam(seam: dict[str, Any]) -> Table:
    title = f"Where the last view meets the first, {seam['people']} people (1: no seam)"
    table = Table("", "change there", "from view to view", "ratio", title=title)
    for name in ("truth", *METHODS, "teacher_open"):
        row = seam[name]
        table.add_row(name.replace("_", ", "), *(cell(row[key], ".2f") for key in ("change", "elsewhere", "ratio")))
    mean, largest = (cell(seam["turned"][key], ".2g") for key in ("mean", "largest"))
    table.caption = f"begun elsewhere the teacher's pictures differ by {mean} grey levels, {largest} at most"
    return table


def _warping(warping: dict[str, Any]) -> Table:
    table = Table("", "grey levels", "in the truth's", title="Change along the motion from frame to frame")
    for name in ("truth", *METHODS):
        table.add_row(name, cell(warping[name], ".2f"), cell(warping.get(f"{name}_to_truth"), ".3f"))
    return table
