"""The benchmark still runs and measures everything; what it asserts of Colonnade is not timing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")

SCRIPT = Path(__file__).parent / "start_and_calls.py"
METRICS = 20


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    effort = "--repetitions 1 --starts 1 --calls 50 --connect 0.5"
    command = (sys.executable, str(SCRIPT), *effort.split(), "--json")
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr[-4_000:]
    return json.loads(ran.stdout)


def test_every_metric_has_a_figure(report: dict[str, Any]) -> None:
    figures = {line["metric"]: line["colonnade"] for line in report["lines"]}
    assert len(figures) == METRICS
    assert all(figure > 0 for metric, figure in figures.items() if "sockets" not in metric)


def test_every_line_beside_the_floor_has_both_figures(report: dict[str, Any]) -> None:
    lines = [line for line in report["lines"] if line["beside"] == "floor"]
    assert len(lines) > METRICS / 2
    assert all(line["base"] is not None for line in lines)


def test_a_bar_is_met_or_missed(report: dict[str, Any]) -> None:
    assert all((line["met"] is None) == (line["bar"] is None) for line in report["lines"])


def test_a_start_opens_no_socket_however_many_connections_are_configured(report: dict[str, Any]) -> None:
    sockets = [line["colonnade"] for line in report["lines"] if line["metric"].startswith("open sockets")]
    assert sockets == [0, 0]


def test_bad_connections_are_unreachable_while_a_good_one_answers(report: dict[str, Any]) -> None:
    assert report["answers"] == {"refused": "unreachable", "silent": "unreachable", "good": "ok"}
