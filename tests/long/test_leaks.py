"""The walk of tests/flows/test_leaks.py, ten times as long, with another seed."""

from pathlib import Path

import pytest

from tests.leaks.walking import check_nothing_leaks


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_nobody_reads_what_is_not_theirs(tmp_path: Path) -> None:
    await check_nothing_leaks(tmp_path / "world", 100_000, 2)
