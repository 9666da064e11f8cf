"""`inperson doctor`: what works on this machine, and the mend for what does not."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from inperson.app.probes import MEND_FOLLOWS, PROBES, Probe
from inperson.errors import InPersonError

PROBE_TIMEOUT_S = 120


@dataclass(frozen=True)
class Finding:
    """What a probe said: `detail` is its answer, or the last line of its complaint, and `mend` what to do then."""

    probe: Probe
    works: bool
    detail: str
    mend: str


@dataclass(frozen=True)
class Doctor:
    """Check every part of this machine that InPerson uses; each line ends with what to do about it."""

    def run(self, console: Console) -> None:
        """Print one line a part. Fails (exit code 1) when a part that every session needs does not work."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            findings = list(pool.map(examine, PROBES))
        for finding in findings:
            console.print(_line(finding), soft_wrap=True)
        broken = [f.probe.name for f in findings if f.probe.needed and not f.works]
        if broken:
            raise InPersonError(f"needed parts do not work: {', '.join(broken)}", "follow the lines marked 'broken'")


def examine(probe: Probe) -> Finding:
    """Run one probe in a process of its own: a part that crashes or hangs there only fails its own line."""
    command = [sys.executable, "-m", "inperson.app.probes", probe.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return _failed(probe, f"no answer in {PROBE_TIMEOUT_S} s")
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    answer = said[-1] if said else f"ended with status {done.returncode}"
    return Finding(probe, True, answer, "nothing to do") if done.returncode == 0 else _failed(probe, answer)


def _failed(probe: Probe, complaint: str) -> Finding:
    detail, _, better_mend = complaint.partition(MEND_FOLLOWS) if probe.knows_better else (complaint, "", "")
    return Finding(probe, False, detail, better_mend or probe.mend)


def _line(finding: Finding) -> Text:
    if finding.works:
        word, style = "ok", "green"
    elif finding.probe.needed:
        word, style = "broken", "bold red"
    else:
        word, style = "absent", "yellow"
    return Text.assemble((f"{word:7}", style), f"{finding.probe.name}: {finding.detail} -> {finding.mend}")
