"""What several of the flows share."""

from collections.abc import Iterator

import pytest

from tests.flows.bench import Bench, benched
from tests.flows.clients import Stage, staged


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A server before an upstream that does whatever is asked for."""
    with benched(tmp_path_factory.mktemp("bench")) as found:
        yield found


@pytest.fixture(scope="session")
def the_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server before models that say what a test wants, for unmodified clients."""
    with staged(tmp_path_factory.mktemp("clients")) as stage:
        yield stage


@pytest.fixture
def stage(the_stage: Stage) -> Stage:
    """The same, with nothing played yet."""
    the_stage.play()
    return the_stage
