"""`inperson bench [NAMES] [--json]`: run what is in benchmarks/."""

import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import tyro
from rich.console import Console
from rich.table import Table

from inperson.errors import BadInputError
from inperson.paths import benchmarks_dir


@dataclass(frozen=True)
class Bench:
    """Run benchmarks: everything is compared with its reference in this one run."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Which ones (raster, skin, fit, track, live, ...); all of them when none is named."""
    json: bool = False
    """Print JSON: one report, or a list of reports when more than one ran."""

    def run(self, console: Console) -> None:
        """Run the named benchmarks one after the other and print their cases and ratios."""
        known = find_benchmarks(benchmarks_dir())
        for name in self.names:
            if name not in known:
                raise BadInputError(f"benchmark '{name}' is unknown", f"choose from {', '.join(sorted(known))}")
        reports = []
        for name in self.names or sorted(known):
            report = load_benchmark(known[name]).run()
            reports.append(report)
            if not self.json:
                console.print(_table(report))
        if self.json:
            console.print_json(json.dumps(reports[0] if len(reports) == 1 else reports))


def find_benchmarks(folder: Path) -> dict[str, Path]:
    """`bench_NAME.py` files by NAME."""
    return {path.stem.removeprefix("bench_"): path for path in folder.glob("bench_*.py")}


def load_benchmark(path: Path) -> ModuleType:
    """Import one file of the benchmarks package (beside `inperson` in a checkout, inside it when installed)."""
    if "benchmarks" not in sys.modules:
        _import_file("benchmarks", path.parent / "__init__.py", [str(path.parent)])
    return _import_file(f"benchmarks.{path.stem}", path)


def _import_file(name: str, path: Path, search: list[str] | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _table(report: dict) -> Table:
    table = Table(title=f"{report['bench']} on {report['device']}", title_justify="left")
    table.add_column("case")
    table.add_column("median ms", justify="right")
    table.add_column("p95 ms", justify="right")
    for row in report["cases"]:
        table.add_row(row["name"], f"{row['median_ms']:.2f}", f"{row['p95_ms']:.2f}")
    for name, ratio in report["ratios"].items():
        table.add_row(f"[bold]{name}", f"[bold]{ratio:.2f}", "")
    return table
