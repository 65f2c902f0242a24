"""The benchmark of adapters still runs and measures everything; what it asserts is not timing."""

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.engines import BARE
from tests.engines.installed import mariadb_programs

ROOT = Path(__file__).parents[2]


def test_every_line_has_both_figures_and_a_bar_is_met_or_missed() -> None:
    mariadb_programs()
    command = (sys.executable, "-m", "tests.bench.engines", "--repetitions", "1", "--tables", "20", "--json")
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr[-4_000:]
    lines = json.loads(ran.stdout)
    assert len(lines) == 2 * len(BARE) + 2
    assert all(line["base"] > 0 and line["colonnade"] > 0 for line in lines)
    assert all((line["met"] is None) == (line["bar"] is None) for line in lines)
