"""JSON: how long everything took, and what happened. The file's shape is in docs/exports.md."""

import json
from collections import defaultdict
from typing import Any

import numpy as np

from inperson.app.recording.reader import SessionReader
from inperson.app.recording.records import BodyRecord, EventRecord, TimingsRecord
from inperson.app.recording.span import Span

VERSION = 1
"""Of the file's shape."""


def numbers_text(session: SessionReader, span: Span) -> str:
    """The file: everybody in the session, from one moment to another."""
    start_ns = session.begin_ns
    from_ns, to_ns = span.limits_ns(start_ns)

    def seconds(time_ns: int) -> float:
        return round((time_ns - start_ns) / 1e9, 9)

    clocks: dict[str, list[TimingsRecord]] = defaultdict(list)
    events: list[dict[str, Any]] = []
    states: dict[str, list[float]] = {key: [] for key in session.participants()}
    for record in session.records(TimingsRecord, EventRecord, BodyRecord, from_ns=from_ns, to_ns=to_ns):
        match record:
            case TimingsRecord():
                clocks[record.clock].append(record)
            case EventRecord():
                events.append({"at_s": seconds(record.time_ns), **_event(record)})
            case BodyRecord():
                states[record.participant].append(seconds(record.time_ns))
    events.sort(key=lambda event: event["at_s"])
    content = {
        "version": VERSION,
        "session": {"started": session.anchor.to_strings()["started"], "start_ns": start_ns},
        "participants": {key: {"states": len(times), "at_s": times} for key, times in states.items()},
        "events": events,
        "timings": {clock: _clock(records, seconds) for clock, records in sorted(clocks.items())},
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _event(record: EventRecord) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": str(record.kind)}
    out |= {name: value for name in ("participant", "text", "count") if (value := getattr(record, name))}
    if record.T_new_from_old is not None:
        out["T_new_from_old"] = record.T_new_from_old.tolist()
    return out


def _clock(records: list[TimingsRecord], seconds: Any) -> dict[str, Any]:
    """A clock's frames, and each stage's milliseconds: null where a frame did not have it."""
    stages = sorted({stage for record in records for stage in record.stages})
    rows = [dict(zip(record.stages, record.durations_ns, strict=True)) for record in records]
    milliseconds = {stage: [None if (ns := row.get(stage)) is None else ns / 1e6 for row in rows] for stage in stages}
    known = {stage: np.array([ms for ms in column if ms is not None]) for stage, column in milliseconds.items()}
    return {
        "frames": len(records),
        "stages": {
            stage: {"median_ms": float(np.median(ms)), "p95_ms": float(np.percentile(ms, 95)), "count": len(ms)}
            for stage, ms in known.items()
        },
        "at_s": [seconds(record.time_ns) for record in records],
        "durations_ms": milliseconds,
    }
