"""The soak, for minutes instead of an hour: a mixed load, after which nothing has grown or is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.running import say

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "soak.py"
PLAN = ("--minutes", "1.2", "--per-s", "50", "--reload-s", "6")
KINDS = 20
CALLS = 1_000
"""At least; a busy machine begins fewer of them."""


def test_minutes_of_mixed_load_leave_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), *PLAN, "--json", "--out", str(tmp_path / "soak.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.stdout, done.stderr
    soaked = json.loads(done.stdout)
    wrong = [one for one in soaked["findings"] if not one["is_met"]]
    say(json.dumps(soaked["findings"], indent=1))
    say(json.dumps(soaked["examples"], indent=1))
    assert wrong == []
    assert done.returncode == 0
    assert sum(soaked["seen"].values()) > CALLS
    assert len(soaked["seen"]) == KINDS
