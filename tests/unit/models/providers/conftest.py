"""What tests of providers over HTTP share."""

from collections.abc import AsyncIterator

import pytest

from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    """Connections to upstreams, closed with the test."""
    async with Sessions(OutboundSettings()) as sessions:
        yield sessions
