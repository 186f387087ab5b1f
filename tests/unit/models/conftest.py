"""What tests of ladders share."""

import pytest

from tests.unit.models.climbing import House, make_house


@pytest.fixture
def house() -> House:
    """A house with short limits."""
    return make_house()
