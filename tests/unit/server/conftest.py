"""An upstream that does as told, and a project that asks it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from buttress.testing.upstream import ScriptedUpstream
from tests.unit.server.serving import write_project


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """An upstream; tests that want another script make their own."""
    async with ScriptedUpstream() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, upstream: ScriptedUpstream) -> Path:
    """A project whose feature `chat` asks `upstream`."""
    return write_project(tmp_path / "project", upstream.url)
