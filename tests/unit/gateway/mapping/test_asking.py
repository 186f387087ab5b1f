"""One request of a `map` stage: what its answer is kept under, and what is kept."""

import msgspec
import pytest

from buttress.gateway.mapping.asking import Asker
from buttress.gateway.mapping.task import Task, task_of
from buttress.kernel.messages import Message
from buttress.kernel.tokens import LONGEST_TOKEN
from buttress.models.errors import BadAnswer
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.gateway.reading import STAGE, a_reader, asked, reading
from tests.unit.gateway.shelf import Shelf, a_document
from tests.unit.gateway.world import World, a_call, inspected

MESSAGES = (Message("user", "What is in it?"),)
NOWHERE = "http://127.0.0.1:1/v1"


async def a_task(bare: World, url: str = NOWHERE) -> Task:
    """Return the task to read a document of one page."""
    shelf = bare.ports.library
    assert isinstance(shelf, Shelf)
    shelf.documents["default", "report.pdf"] = a_document("A page.")
    return await task_of(STAGE, inspected(a_reader(url), asked().input), a_call(bare.ports))


@pytest.fixture(autouse=True)
def _shelved(bare: World) -> None:
    bare.ports = reading(bare, a_reader(NOWHERE), Shelf())


async def test_the_digest_is_of_all_that_the_answer_depends_on(bare: World) -> None:
    task, call = await a_task(bare), a_call(bare.ports)
    digest = Asker(task, call).digest(MESSAGES)
    assert Asker(task, a_call(bare.ports)).digest(MESSAGES) == digest
    others = [
        msgspec.structs.replace(task, seen_as=("group:staff",)),
        msgspec.structs.replace(task, release=a_reader("http://127.0.0.1:2/v1")),
        msgspec.structs.replace(task, stage=msgspec.structs.replace(STAGE, max_tokens=7)),
        msgspec.structs.replace(task, stage=msgspec.structs.replace(STAGE, temperature=0.7)),
    ]
    digests = {Asker(other, call).digest(MESSAGES) for other in others}
    digests.add(Asker(task, call).digest((Message("system", "What is in it?"),)))
    assert len(digests - {digest}) == 5


async def test_what_was_answered_is_kept_with_what_it_took(bare: World) -> None:
    async with ScriptedUpstream([Reply(chunks=("Ba", "sil."))]) as upstream:
        call = a_call(bare.ports)
        asker = Asker(await a_task(bare, upstream.url), call)
        assert await asker.ask(MESSAGES) == "Basil."
    assert dict(await asker.kept([MESSAGES])) == {asker.digest(MESSAGES): "Basil."}
    assert isinstance(bare.ports.library, Shelf)
    (kept,) = bare.ports.library.answers.values()
    assert (kept.model, kept.tokens, kept.cost_nanodollars) == ("writer", 10, call.cost)
    assert (kept.knowledge, kept.document_id) == ("docs", "id of report.pdf")


async def test_a_model_that_goes_on_and_on_is_not_listened_to(bare: World) -> None:
    endless = Reply(chunks=("word " * 100,) * 200)
    async with ScriptedUpstream([endless]) as upstream:
        said = await Asker(await a_task(bare, upstream.url), a_call(bare.ports)).ask(MESSAGES)
    assert len(said) == STAGE.max_tokens * LONGEST_TOKEN


async def test_an_empty_answer_is_a_failure_and_not_kept(bare: World) -> None:
    async with ScriptedUpstream([Reply(chunks=("\n", " "))]) as upstream:
        asker = Asker(await a_task(bare, upstream.url), a_call(bare.ports))
        with pytest.raises(BadAnswer):
            await asker.ask(MESSAGES)
    assert not await asker.kept([MESSAGES])
