"""What `inperson evaluate shader` shows: tables, with what was aimed at beside what was measured."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

_SCORES: tuple[tuple[str, str, str], ...] = (
    ("psnr", "PSNR dB", ".2f"),
    ("ssim", "SSIM", ".3f"),
    ("perceptual", "perceptual", ".4f"),
    ("sharpness", "sharpness", ".2f"),
    ("first_psnr", "after a reset dB", ".2f"),
    ("iou", "IoU", ".3f"),
    ("hands", "hands dB", ".2f"),
)
_AIMS = {
    "synthetic": "+1.5 dB, perceptual -25%, sharpness 0.85 to 1.15",
    "real": "+0.7 dB, perceptual better",
}


def shader_tables(whole: dict[str, Any]) -> Iterator[Table]:
    """Of an evaluation as JSON (`shader_model.evaluation.report.as_json`); of what was left out there is none."""
    for key, title in (("synthetic", "Held-out synthetic people"), ("real", "Real clips, self-reenactment")):
        if whole[key] is not None:
            yield _pictures(whole[key], f"{title} (aim: {_AIMS[key]})")
    if whole["synthetic"] is not None:
        yield _regions(whole["synthetic"])
    rows = list(_steadiness(whole))
    if rows:
        table = Table("measure", "measured", "aim", title="In time, between eyes, for long")
        for row in rows:
            table.add_row(*row)
        yield table


def _pictures(scores: dict[str, Any], title: str) -> Table:
    """A row for plain and shaded each."""
    known = [score for score in _SCORES if score[0] in scores["plain"]]
    table = Table("", *(name for _, name, _ in known), title=title)
    for method in ("plain", "shaded"):
        table.add_row(method, *(cell(scores[method][key], form) for key, _, form in known))
    gain = scores["gain"]
    table.caption = f"gain {cell(gain['psnr'], '+.2f')} dB, perceptual {cell(gain['perceptual'], '.1%')} better"
    return table


def _regions(scores: dict[str, Any]) -> Table:
    table = Table("region", "pixels", "plain dB", "shaded dB", "share of plain's error", title="Where errors are")
    for name, plain in scores["plain"]["regions"].items():
        shaded = scores["shaded"]["regions"][name]
        shares = (cell(plain[key], ".0%") for key in ("share_of_pixels", "share_of_error"))
        pixels, error = shares
        table.add_row(name.replace("_", " "), pixels, cell(plain["psnr"], ".2f"), cell(shaded["psnr"], ".2f"), error)
    return table


def _steadiness(whole: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    warping, eyes, drift = whole["warping"], whole["eyes"], whole["drift"]
    if warping is not None:
        plain, shaded = (cell(warping[f"{name}_to_truth"], ".3f") for name in ("plain", "shaded"))
        yield "change along the motion, in the truth's", f"{shaded} (plain {plain})", "at most 1.15"
        yield "flicker of still avatars, grey levels", cell(warping["still_flicker"], ".3f"), "under 0.5"
    if eyes is not None:
        yield "eyes' disagreement, in the plain render's", cell(eyes["shaded_to_plain"], ".3f"), "at most 1.25"
        yield "the same, in that of eyes shaded apart", cell(eyes["shaded_to_separate"], ".3f"), "at most 0.5"
        alone = cell(eyes["corrections"]["shaded_to_separate"], ".3f")
        yield "of what the shader adds alone, likewise", alone, "at most 0.5"
    if drift is not None:
        said = "within noise" if drift["within_noise"] else "beyond noise"
        z = cell(drift["largest_z"], ".2f")
        yield f"drift over {drift['frames']} frames of {escape(drift['person'])}", f"{said}, z {z}", "within noise"


def cell(value: float | None, form: str) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form)
