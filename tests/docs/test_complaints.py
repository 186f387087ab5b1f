"""The table of complaints: each number once, and each test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TABLE = (ROOT / "docs" / "explanation" / "complaints.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", TABLE, re.MULTILINE)


def test_every_complaint_stands_there_once() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 57))


def test_each_is_prevented_by_a_test_or_it_is_said_why_not() -> None:
    said = ("MONEY", "not applicable: ", "not a test: ")
    assert not [number for number, here in ROWS if "`test_" not in here and not here.startswith(said)]


def test_every_test_that_is_named_exists() -> None:
    files = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    known = {name for text in files for name in re.findall(r"def (test_\w+)", text)}
    assert sorted(set(re.findall(r"`(test_\w+)`", TABLE)) - known) == []
