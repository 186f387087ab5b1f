"""Retrieve: relevant passages inside the scope, else the fallback with the reason."""

import msgspec
import pytest

from buttress.gateway.steps.fallback import NOTHING_RELEVANT
from buttress.gateway.steps.retrieve import retrieve
from buttress.gateway.types import Reply, Retrieved
from buttress.kernel.scope import Scope
from buttress.knowledge.engine.client import RemoteEngine
from buttress.releases.types import Release, RetrieveStage, Thresholds
from tests.projects import ANSWERABLE, NONSENSE, SALARIES
from tests.unit.gateway.world import FIND, World, a_call, a_release, recalled

ANY = Thresholds(cosine=-1.0, cosine_with_words=-1.0, coverage=0.0)
STAFF = frozenset({"group:staff"})


def finding(**changes: object) -> Release:
    """Return a release that only retrieves, `changes` in its stage."""
    return a_release(stages=(msgspec.structs.replace(FIND, **changes),))


async def test_passages_are_found_and_noted(world: World) -> None:
    call = a_call(world.ports)
    found = await retrieve(recalled(finding(), ANSWERABLE), call)
    assert isinstance(found, Retrieved)
    assert found.passages == call.passages
    assert "nothing fits" in " ".join(found.passages[0].section)
    span = call.recorder.spans[0]
    assert span.data["passages"] == len(found.passages)
    assert any(name.endswith("_ms") for name in span.data)


async def test_a_stage_says_how_many(world: World) -> None:
    found = await retrieve(recalled(finding(limit=2, thresholds=ANY), ANSWERABLE), a_call(world.ports))
    assert isinstance(found, Retrieved)
    assert len(found.passages) == 2


async def test_thresholds_of_the_stage_come_before_those_of_the_settings(world: World) -> None:
    """What is far from the question is relevant where the team says so."""
    assert isinstance(await retrieve(recalled(finding(), NONSENSE), a_call(world.ports)), Reply)
    loose = recalled(finding(thresholds=ANY), NONSENSE)
    assert isinstance(await retrieve(loose, a_call(world.ports)), Retrieved)


async def test_nothing_relevant_quotes_what_came_closest(world: World) -> None:
    call = a_call(world.ports)
    reply = await retrieve(recalled(finding(), NONSENSE), call)
    assert isinstance(reply, Reply)
    assert (reply.outcome, reply.reason) == ("fallback", NOTHING_RELEVANT)
    assert len(reply.passages) == 2
    assert call.recorder.spans[0].data["reason"] == NOTHING_RELEVANT


async def test_the_engine_is_away(world: World, away: RemoteEngine) -> None:
    call = a_call(msgspec.structs.replace(world.ports, engine=away))
    reply = await retrieve(recalled(finding(), ANSWERABLE), call)
    assert isinstance(reply, Reply)
    assert (reply.reason, reply.passages) == ("knowledge.engine_away", ())


@pytest.mark.parametrize(
    ("stage", "question", "reason"),
    [
        pytest.param(FIND, "  ", "knowledge.query_invalid", id="no word to search for"),
        pytest.param(
            RetrieveStage(name="find", knowledge="nope"), "Why?", "knowledge.unknown", id="no such knowledge"
        ),
        pytest.param(
            RetrieveStage(name="find", knowledge="docs", query="{{ gone }}"),
            "Why?",
            "prompts.unrenderable",
            id="a query that cannot be filled in",
        ),
    ],
)
async def test_a_search_that_cannot_be_is_no_error(
    world: World, stage: RetrieveStage, question: str, reason: str
) -> None:
    reply = await retrieve(recalled(a_release(stages=(stage,)), question), a_call(world.ports))
    assert isinstance(reply, Reply)
    assert reply.reason == reason


async def test_a_release_without_retrieval_passes_through(world: World) -> None:
    found = await retrieve(recalled(a_release(stages=()), ANSWERABLE), a_call(world.ports))
    assert isinstance(found, Retrieved)
    assert found.passages == ()


@pytest.mark.parametrize(
    ("scope", "sees"),
    [
        pytest.param(Scope("default", STAFF), True, id="a reader"),
        pytest.param(Scope("default"), False, id="everybody"),
        pytest.param(Scope("acme", STAFF), False, id="a reader's namesake at another tenant"),
    ],
)
async def test_only_what_the_scope_may_see(world: World, scope: Scope, *, sees: bool) -> None:
    found = await retrieve(recalled(finding(thresholds=ANY), SALARIES, scope), a_call(world.ports))
    assert any("band 7" in passage.text for passage in found.passages) == sees
