"""The benchmark runner: finds files, runs them side by side, prints the agreed JSON."""

import json

import pytest

from benchmarks import case, side_by_side
from inperson.app import cli
from inperson.app.commands import bench

REPORT = """
from benchmarks import case

CASES = [case("fast", [0.001, 0.003])]

def run():
    return {"bench": "tiny", "device": "here", "cases": CASES, "ratios": {"fast_vs_slow": 4.0}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "bench_tiny.py").write_text(REPORT)
    monkeypatch.setattr(bench, "benchmarks_dir", lambda: tmp_path)
    return tmp_path


def test_json_is_what_run_returned(folder, capsys):
    assert cli.main(["bench", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "bench": "tiny",
        "device": "here",
        "cases": [{"name": "fast", "median_ms": 2.0, "p95_ms": pytest.approx(2.9)}],
        "ratios": {"fast_vs_slow": 4.0},
    }


def test_the_table_shows_cases_and_ratios(folder, capsys):
    assert cli.main(["bench"]) == 0
    out = capsys.readouterr().out
    assert "fast_vs_slow" in out
    assert "4.00" in out


def test_an_unknown_benchmark_is_named(folder, capsys):
    assert cli.main(["bench", "nope"]) == 2
    assert capsys.readouterr().err == "error: benchmark 'nope' is unknown: choose from tiny\n"


def test_side_by_side_takes_turns_and_compares_medians(monkeypatch):
    import benchmarks

    clock = {"now": 0.0}
    order = []

    def subject(name, seconds):
        def call():
            order.append(name)
            clock["now"] += seconds

        return call

    monkeypatch.setattr(benchmarks.time, "perf_counter", lambda: clock["now"])
    report = side_by_side(
        "demo", {"cpu": subject("cpu", 0.25), "gl": subject("gl", 1.0)}, compare=[("cpu", "gl")], seconds=2.0
    )
    assert order[:2] == ["cpu", "gl"]  # the untimed calls
    assert order == ["cpu", "gl"] * 4
    assert report["ratios"] == {"cpu_vs_gl": 4.0}
    assert report["cases"] == [case("cpu", [0.25]), case("gl", [1.0])]
