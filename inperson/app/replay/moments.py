"""Moments of a recording as people name them: `--from` and `--to`, which may count from the end."""

from inperson.app.recording.span import seconds_of
from inperson.app.replay.tempo import Stretch
from inperson.errors import BadInputError
from inperson.render.overlay_timeline import clock_text


def stretch_of(whole: Stretch, begin: str | None, end: str | None) -> Stretch:
    """What `--from` and `--to` leave of a recording; None for its own begin or end.

    Raises:
        BadInputError: not times, outside the recording, or nothing lies between them.
    """
    first = whole.begin_ns if begin is None else _moment("--from", begin, whole)
    last = whole.end_ns if end is None else _moment("--to", end, whole)
    if last < first or (last == first and whole.end_ns > whole.begin_ns):
        raise BadInputError(f"--from {begin or 0} --to {end} leaves nothing", "let --to be after --from")
    return Stretch(first, last)


def _moment(option: str, text: str, whole: Stretch) -> int:
    wanted = text.strip()
    seconds = seconds_of(option, wanted.removeprefix("-"))
    from_begin = whole.seconds - seconds if wanted.startswith("-") else seconds
    if not 0.0 <= from_begin <= whole.seconds:
        raise BadInputError(
            f"{option} {wanted}: the recording is {whole.seconds:.1f} s long ({clock_text(whole.seconds)})",
            "name a moment within it, or count from its end: -5",
        )
    return whole.begin_ns + round(from_begin * 1e9)
