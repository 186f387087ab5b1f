"""A walk over every way to read, with ten thousand questions for what is somebody else's: nothing leaks."""

from pathlib import Path

import pytest

from tests.leaks.walking import check_nothing_leaks


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_nobody_reads_what_is_not_theirs(tmp_path: Path) -> None:
    await check_nothing_leaks(tmp_path / "world", 10_000, 1)
