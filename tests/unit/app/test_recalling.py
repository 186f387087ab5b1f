"""The answers of a project: what its documents are now, and what all processes forget."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from buttress.app.buttress import Buttress
from buttress.app.recalling import (
    CHANNEL,
    ProjectAnswers,
    forget_answers,
    forget_cited,
    surroundings_of,
    sweep_answers,
)
from buttress.caching.flights import Follower, Leader
from buttress.caching.keys import Knowledge
from buttress.caching.settings import CachingSettings
from buttress.caching.store import AnswerStore
from buttress.gateway.types import Answer
from buttress.guardrails.settings import GuardrailSettings
from buttress.kernel.cached import CachePolicy
from buttress.kernel.clock import SystemClock
from buttress.knowledge.syncing.taking_in import CHANNEL as KNOWLEDGE_CHANNEL
from buttress.settings.tree import Settings
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from buttress.testing.clock import NOON, ManualClock
from tests.projects import ANSWERABLE
from tests.unit.caching.entries import SHARED, a_key, an_entry
from tests.waiting import until

PATIENT = CachingSettings(read_timeout_s=1)
HERE = CachePolicy(level="process")
ADD = """
    INSERT INTO documents (knowledge, tenant, document_id, path, title, source, content_sha256, text_sha256,
        format, characters, readers, blocks, body, ingest_fingerprint, ingested_at)
    VALUES ('recalled', 'acme', %s, 'p', 't', 's', 'c', 't', 'text', 1, %s, '[]', 'b', 'f', clock_timestamp())
    ON CONFLICT (knowledge, document_id) DO UPDATE SET ingested_at = clock_timestamp()
"""


def always(database: Database) -> Callable[[], Awaitable[Database]]:
    """Return an opening that is done."""

    async def opened() -> Database:
        return database

    return opened


async def away() -> Database:
    """Open a database that is not there."""
    raise StorageUnavailable("nobody listens")


async def change(database: Database, statement: str = ADD, values: object = ("d1", ["*"])) -> None:
    """Change the documents, and tell, as an ingest does."""
    async with database.connection() as connection:
        await connection.execute(statement, msgspec.convert(values, tuple[object, ...]))
    await database.notify(KNOWLEDGE_CHANNEL, "recalled")


async def known(answers: ProjectAnswers, but: Knowledge | None = None) -> Knowledge:
    """Return what is known of the documents, once it is known, and not `but`."""
    found: list[Knowledge] = []

    async def is_known() -> bool:
        found[:] = [one for one in [answers.knowledge("recalled")] if one and one != but]
        return bool(found)

    await until(is_known, 30)
    return found[0]


@pytest.fixture
async def documents(database: Database) -> Database:
    """The shared database, with neither documents of `recalled` nor answers."""
    await AnswerStore(database).forget(None, None)
    await change(database, "DELETE FROM documents WHERE knowledge = 'recalled'", ())
    return database


async def test_each_change_of_the_documents_is_another_state_also_one_back(documents: Database) -> None:
    async with ProjectAnswers(always(documents), PATIENT, SystemClock()) as answers:
        assert answers.knowledge("recalled") is None  # nobody waits for it
        nothing = await known(answers)
        assert nothing.readers == frozenset()
        await change(documents)
        first = await known(answers, nothing)
        assert first.readers == {"*"}
        await change(documents, values=("d2", ["group:staff", "*"]))
        both = await known(answers, first)
        assert both.readers == {"*", "group:staff"}
        await change(
            documents, "DELETE FROM documents WHERE knowledge = 'recalled' AND document_id = 'd2'", ()
        )
        one = await known(answers, both)
        assert one.readers == {"*"}
        await change(documents)
        again = await known(answers, one)
        assert len({each.version for each in (nothing, first, both, again)}) == 4


async def test_all_processes_agree_on_a_state(documents: Database) -> None:
    await change(documents)
    states = []
    for _ in range(2):
        async with ProjectAnswers(always(documents), PATIENT, SystemClock()) as answers:
            states.append(await known(answers))
    assert states[0] == states[1]


async def test_without_a_database_nothing_is_known_and_nothing_fails() -> None:
    async with ProjectAnswers(away, PATIENT, SystemClock()) as answers:
        assert answers.knowledge("recalled") is None
        answers.put(a_key(), an_entry(), HERE)
        assert answers.knowledge("recalled") is None


async def test_what_cites_changed_documents_goes_in_every_process(documents: Database) -> None:
    many = [f"document {number}" for number in range(200)]
    clock = ManualClock()
    async with ProjectAnswers(always(documents), PATIENT, clock) as answers:
        await known(answers)
        answers.put(a_key("cites"), an_entry(cited=("document 150",)), HERE)
        answers.put(a_key("does not"), an_entry(cited=("another",)), HERE)
        await AnswerStore(documents).put(a_key("stored"), an_entry(cited=("document 7", "another")))
        assert await forget_cited(documents, many) == 1

        async def is_gone() -> bool:
            return await answers.get(a_key("cites"), HERE) is None

        await until(is_gone)
        assert await answers.get(a_key("does not"), HERE)


async def test_what_was_stored_behind_the_back_of_who_forgot_it_is_forgotten_too(documents: Database) -> None:
    """As of an answer that waited for the database while the document changed that it cites."""
    store = AnswerStore(documents)
    async with ProjectAnswers(always(documents), PATIENT, ManualClock()) as answers:
        await known(answers)
        answers.put(a_key("late"), an_entry(cited=("document 7",)), SHARED)

        async def is_stored() -> bool:
            return await store.get(a_key("late"), NOON) is not None

        async def is_gone() -> bool:
            return not await is_stored()

        await until(is_stored)
        await documents.notify(CHANNEL, '["document 7"]')
        await until(is_gone)


@pytest.mark.parametrize("payload", ["[]", "no list", '{"of": "another version"}'])
async def test_who_does_not_understand_forgets_all(documents: Database, payload: str) -> None:
    async with ProjectAnswers(always(documents), PATIENT, ManualClock()) as answers:
        await known(answers)
        answers.put(a_key(), an_entry(), HERE)
        await documents.notify(CHANNEL, payload)

        async def is_gone() -> bool:
            return await answers.get(a_key(), HERE) is None

        await until(is_gone)


async def test_a_tenants_answers_are_forgotten(documents: Database) -> None:
    store = AnswerStore(documents)
    await store.put(a_key(), an_entry())
    await store.put(a_key(tenant="other"), an_entry())
    assert await forget_answers(documents, "acme", None) == 1
    assert [one.tenant for one in await store.held(None, None)] == ["other"]


async def test_what_is_over_is_swept(documents: Database) -> None:
    clock = ManualClock()
    await AnswerStore(documents).put(a_key(), an_entry(ttl_s=60))
    assert await sweep_answers(documents, PATIENT, clock) == 0
    clock.advance(61)
    assert await sweep_answers(documents, PATIENT, clock) == 1


def test_other_settings_are_other_surroundings() -> None:
    plain = surroundings_of(Settings(), {})
    assert surroundings_of(Settings(), {}) == plain
    other = Settings(guardrails=GuardrailSettings(content_share=0.9))
    assert surroundings_of(other, {}) != plain


async def test_equal_calls_share_and_what_is_depended_on_can_be_told() -> None:
    async with ProjectAnswers(away, PATIENT, SystemClock()) as answers:
        assert answers.amid("s1").surroundings == "s1"
        assert answers.follow_timeout_s == PATIENT.follow_timeout_s
        assert answers.join(a_key())
        assert type(answers.join(a_key())) is not type(answers.join(a_key("other")))


async def test_an_ingest_ends_what_cites_a_document_that_it_changed(synced: Path) -> None:
    """From end to end: the files, the database, the call."""
    feature = synced / "features" / "support" / "feature.yaml"
    feature.write_text(feature.read_text() + "cache: {invalidate: cited}\n")
    async with Buttress.open(synced, flags=["caching.read_timeout_s=1"]) as buttress:
        await buttress.ingest()

        async def asked() -> Answer:
            return await buttress.ask("support", {"question": ANSWERABLE})

        async def is_recalled() -> bool:
            return (await asked()).recalled is not None

        await until(is_recalled, 60)
        recalled = await asked()
        welcome = synced / "documents" / recalled.citations[0].document
        other = synced / "documents" / "other.md"
        other.write_text("# Bees\n\nBees sleep at night.\n")
        await buttress.ingest()
        assert await is_recalled()
        welcome.write_text(welcome.read_text() + "\nOne thing more is said here.\n")
        await buttress.ingest()

        async def is_made_anew() -> bool:
            return not await is_recalled()

        await until(is_made_anew, 60)


async def test_who_looks_for_answers_of_all_workers_hears_when_they_are_forgotten(
    documents: Database,
) -> None:
    """Also where no documents are searched: a model that is asked by its name."""
    async with ProjectAnswers(always(documents), PATIENT, ManualClock()) as answers:
        answers.put(a_key("here"), an_entry(), HERE)
        await answers.get(a_key(), SHARED)

        async def is_gone() -> bool:
            await documents.notify(CHANNEL, "[]")
            return await answers.get(a_key("here"), HERE) is None

        await until(is_gone, 30)


async def test_equal_calls_of_models_share_beside_those_of_features() -> None:
    async with ProjectAnswers(away, PATIENT, SystemClock()) as answers:
        assert isinstance(answers.join(a_key()), Leader)
        assert isinstance(answers.join_relay(a_key()), Leader)
        assert isinstance(answers.join_relay(a_key()), Follower)
