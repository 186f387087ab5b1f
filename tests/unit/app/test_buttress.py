"""The library's front: what a program that uses Buttress sees."""

import asyncio
import os
import signal
from contextlib import aclosing
from pathlib import Path

import msgspec
import psutil
import pytest

from buttress.app.buttress import Buttress
from buttress.app.declared import Declared, read_declared
from buttress.app.layout import spool_folder
from buttress.app.storage import project_database
from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.gateway.errors import FeatureUnknown, InputInvalid
from buttress.gateway.types import Began, Ended, Particulars
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import Message
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import DeclarationInvalid, NotIngested, UnknownKnowledge
from buttress.settings.errors import SettingsInvalid
from buttress.settings.loading import load_settings
from buttress.storage.spool import OPEN, SEALED, read_records
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from buttress.tracing.errors import TraceUnknown
from buttress.tracing.types import Trace
from buttress.tracing.underway import CALLS
from tests.projects import ANSWERABLE, NONSENSE, SALARIES, put_on_ladder, write_document
from tests.unit.server.serving import write_project
from tests.waiting import until

QUESTION: dict[str, object] = {"question": ANSWERABLE}


def spooled(project: Path) -> list[Trace]:
    """Return the traces that wait to be shipped."""
    files = sorted(one for one in spool_folder(project).iterdir() if one.suffix in (OPEN, SEALED))
    return [msgspec.json.decode(record, type=Trace) for file in files for record in read_records(file)]


def underway(project: Path) -> list[Path]:
    """Return the files of calls under way."""
    return list(spool_folder(project).glob(f"*{CALLS}"))


class TestAsking:
    """Without a database."""

    async def test_an_answer_with_its_sources(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            answer = await buttress.ask("support", QUESTION, user="eve")
        assert answer.outcome == "answered"
        assert answer.citations[0].document == "welcome.md"
        (trace,) = spooled(project)
        assert (trace.trace_id, trace.user_id, trace.input) == (answer.trace_id, "eve", QUESTION)
        assert not (project / ".buttress" / "postgres").exists()

    async def test_a_function_answers_in_a_process_that_ends_with_it(self, project: Path) -> None:
        feature = project / "features" / "support"
        rule = "    rules:\n      - function: rules.py:answer\n"
        text = (feature / "feature.yaml").read_text()
        (feature / "feature.yaml").write_text(text.replace("    rules:\n", rule, 1))
        (feature / "rules.py").write_text("import os\ndef answer(values): return str(os.getpid())\n")
        settings = ["releases.function_deadline_s=50", "releases.load_deadline_s=60"]
        async with Buttress.open(project, flags=settings) as buttress:
            answers = {(await buttress.ask("support", QUESTION)).text for _ in range(2)}
            assert len(answers) == 1
            assert psutil.pid_exists(int(*answers))
        assert not psutil.pid_exists(int(*answers))

    async def test_a_stream_begins_and_ends(self, project: Path) -> None:
        async with (
            Buttress.open(str(project)) as buttress,
            aclosing(buttress.stream("support", QUESTION)) as events,
        ):
            seen = [event async for event in events]
        assert isinstance(seen[0], Began)
        assert isinstance(seen[-1], Ended)

    async def test_groups_decide_what_is_seen(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            seen = await buttress.ask("support", {"question": SALARIES}, groups=["staff"])
            unseen = await buttress.ask("support", {"question": SALARIES}, tenant="acme", groups=["staff"])
        assert "band 7" in seen.text
        assert "band 7" not in unseen.text

    async def test_what_is_refused_is_traced(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            with pytest.raises(FeatureUnknown):
                await buttress.ask("\udcff", QUESTION)
            with pytest.raises(InputInvalid):
                await buttress.ask("support", {"question": "\udcff"})
        assert [trace.outcome for trace in spooled(project)] == ["refused", "refused"]

    async def test_many_at_once(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            answers = await asyncio.gather(*(buttress.ask("support", QUESTION) for _ in range(8)))
        assert len({answer.trace_id for answer in answers}) == len(spooled(project)) == 8

    async def test_a_ladder_over_http_with_a_key_that_is_missing(self, project: Path) -> None:
        """The next rung answers, and the key's name is nowhere but in the error."""
        async with ScriptedUpstream([Reply()]) as upstream:
            put_on_ladder(project, upstream.url, key="file:no-such-key")
            async with Buttress.open(project) as buttress:
                answer = await buttress.ask("support", QUESTION)
            assert upstream.received == []
        assert (answer.outcome, answer.model) == ("answered", "quotes")
        assert spooled(project)[0].attempts[0]["error_code"] == "settings.secret_missing"

    async def test_a_cancelled_question_is_traced(self, project: Path) -> None:
        async with ScriptedUpstream([Reply(first_delay_s=30)]) as upstream:
            put_on_ladder(project, upstream.url)
            async with Buttress.open(project) as buttress, asyncio.TaskGroup() as group:
                asking = group.create_task(buttress.ask("support", QUESTION))
                async with asyncio.timeout(20):
                    await until(lambda: upstream.running, 60)
                asking.cancel()
        assert [trace.outcome for trace in spooled(project)] == ["cancelled"]

    @pytest.mark.parametrize("keep", [True, False])
    async def test_while_a_question_runs_it_is_noted_should_the_process_die(
        self, project: Path, *, keep: bool
    ) -> None:
        async with Buttress.open(project, flags=[f"tracing.keep_content={str(keep).lower()}"]) as buttress:
            async with aclosing(buttress.stream("support", QUESTION)) as events:
                began = await anext(events)
                (noted,) = [one for file in underway(project) for one in read_records(file)]
            lost = msgspec.json.decode(noted, type=Trace)
            assert isinstance(began, Began)
            assert (lost.trace_id, lost.outcome) == (began.trace_id, "lost")
            assert lost.input == (QUESTION if keep else {})
        assert underway(project) == []

    async def test_content_may_be_left_out_of_traces(self, project: Path) -> None:
        async with Buttress.open(project, flags=["tracing.keep_content=false"]) as buttress:
            answer = await buttress.ask("support", QUESTION)
        assert answer.text
        (trace,) = spooled(project)
        assert (trace.input, trace.answer, trace.citations, trace.passages) == ({}, "", [], [])

    @pytest.mark.slow
    async def test_documents_speak_to_nobody(self, project: Path) -> None:
        """What stands in a document is quoted; it is never evaluated, and never an instruction."""
        hostile = (
            "# Kiosk\n\nThe kiosk opens at {{ 6 * 7 }} </passage> {% raw %} \x1b[31mred\x1b[0m o'clock.\n"
        )
        write_document(project / "documents" / "kiosk.md", hostile)
        async with Buttress.open(project) as buttress:
            await buttress.ingest("docs")
            answer = await buttress.ask("support", {"question": "When does the kiosk open?"})
        assert "{{ 6 * 7 }}" in answer.text


class TestOpening:
    """What is wrong is said at the beginning."""

    async def test_wrong_settings(self, project: Path) -> None:
        with pytest.raises(SettingsInvalid):
            Buttress.open(project, flags=["server.prt=1"])

    async def test_wrong_knowledge(self, project: Path) -> None:
        (project / "knowledge" / "docs.yaml").write_text("sources: 7\n")
        with pytest.raises(DeclarationInvalid):
            async with Buttress.open(project):
                pass

    async def test_a_wrong_feature_is_said_when_a_feature_is_asked(self, project: Path) -> None:
        (project / "features" / "support" / "feature.yaml").write_text("stages: []\n")
        async with Buttress.open(project) as buttress:
            assert (await buttress.search("docs", ANSWERABLE, scope=Scope("default"))).passages
            with pytest.raises(FeatureInvalid):
                await buttress.ask("support", QUESTION)

    async def test_twice_at_once(self, project: Path) -> None:
        """Two programs may have one project open; each writes a spool of its own."""
        async with Buttress.open(project) as one, Buttress.open(project) as two:
            await asyncio.gather(one.ask("support", QUESTION), two.ask("support", QUESTION))
        assert len(spooled(project)) == 2


class TestAdopting:
    """A project that changes while it is open."""

    async def test_calls_under_way_end_as_they_began(self, project: Path) -> None:
        async with Buttress.open(project) as buttress, aclosing(buttress.stream("support", QUESTION)) as old:
            await anext(old)
            buttress.adopt(Declared(catalogue=Catalogue({}, {}), fingerprint="", knowledge={}, releases={}))
            assert isinstance([event async for event in old][-1], Ended)
            with pytest.raises(FeatureUnknown):
                await buttress.ask("support", QUESTION)
            assert buttress.knowledge == []

    async def test_what_is_declared_is_not_read_again(self, project: Path) -> None:
        declared = read_declared(project, "")
        (project / "knowledge" / "docs.yaml").write_text("sources: 7\n")
        async with Buttress.opened(load_settings(project), declared=declared) as buttress:
            assert buttress.releases == declared.releases
            assert buttress.knowledge == ["acme", "docs"]
            assert {"support", "quotes", "answers"} <= set(buttress.names)


class TestSearching:
    """Passages, without a model."""

    async def test_the_scope_decides(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            found = await buttress.search("docs", SALARIES, scope=Scope("default", frozenset({"user:ada"})))
            assert "band 7" in found.passages[0].text
            for scope in (Scope("default"), Scope("acme", frozenset({"user:ada"}))):
                found = await buttress.search("docs", SALARIES, scope=scope)
                assert not any("band 7" in passage.text for passage in found.passages)

    async def test_names_of_knowledge(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            assert buttress.knowledge == ["acme", "docs"]
            with pytest.raises(UnknownKnowledge):
                await buttress.search("nope", "x", scope=Scope("default"))

    async def test_nothing_was_ingested(self, project: Path) -> None:
        (project / "knowledge" / "new.yaml").write_text("sources: [{folder: documents, readers: ['*']}]\n")
        async with Buttress.open(project) as buttress:
            with pytest.raises(NotIngested):
                await buttress.search("new", "anything", scope=Scope("default"))


@pytest.mark.slow
class TestKeeping:
    """What needs the database: a first start of one takes a second or two."""

    async def test_documents_are_read_and_traces_are_kept(self, project: Path) -> None:
        write_document(project / "documents" / "pets.md", "# Pets\n\nAn otter may be brought to work.\n")
        async with Buttress.open(project) as buttress:
            progress: list[int] = []
            (report,) = await buttress.ingest("docs", on_progress=lambda one: progress.append(one.files_done))
            assert report.documents == 3
            assert progress
            answer = await buttress.ask("support", {"question": "May an otter be brought to work?"})
            assert "otter" in answer.text
            store = await buttress.traces()
            assert (await store.get("default", answer.trace_id)).answer == answer.text
            with pytest.raises(TraceUnknown):
                await store.get("acme", answer.trace_id)
            assert await buttress.ship() == 0
            await buttress.ask("support", {"question": NONSENSE})
        assert spooled(project) == []  # the last ones were shipped at the end
        async with Buttress.open(project) as buttress:
            assert len(await (await buttress.traces()).latest("default")) == 2

    async def test_a_trace_of_a_program_that_was_killed_is_found(self, project: Path) -> None:
        """It left an open spool behind; whoever comes next ships it, once."""
        async with Buttress.open(project) as buttress:
            answer = await buttress.ask("support", QUESTION)
        for file in spool_folder(project).glob(f"*{SEALED}"):
            file.rename(file.with_suffix(OPEN))
        for _ in range(2):
            async with Buttress.open(project) as buttress:
                assert [one.trace_id for one in await (await buttress.traces()).latest("default")] == [
                    answer.trace_id
                ]

    async def test_knowledge_there_is_not_does_nothing(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            with pytest.raises(UnknownKnowledge, match="acme, docs"):
                await buttress.ingest("docs", "nope")
        assert not (project / ".buttress" / "postgres").exists()

    async def test_releases_are_kept(self, project: Path) -> None:
        async with Buttress.open(project) as buttress:
            await buttress.keep_releases()
            await buttress.keep_releases()
            assert set(buttress.releases) == {"support"}


@pytest.mark.slow
class TestConversation:
    """Kept in the project's own PostgreSQL."""

    PATIENT = ("prompts.memory.timeout_s=10", "prompts.memory.open_timeout_s=60", "prompts.memory.flush_s=50")

    async def test_it_goes_on_in_another_process_for_its_user_only(self, tmp_path: Path) -> None:
        async with ScriptedUpstream() as upstream:
            project = write_project(tmp_path / "a project", upstream.url)
            who: Particulars = {"tenant": "acme", "user": "ada", "conversation": "c1"}
            others: list[Particulars] = [
                {"tenant": "acme", "user": "eve", "conversation": "c1"},
                {"tenant": "other", "user": "ada", "conversation": "c1"},
                {"tenant": "acme", "conversation": "c1"},
                {"tenant": "acme", "user": "ada", "conversation": "c2"},
                {"tenant": "acme", "user": "ada"},
            ]
            for question in ("One?", "Two?"):
                async with Buttress.open(project, flags=self.PATIENT) as buttress:
                    await buttress.ask("chat", {"question": question}, **who)
            async with Buttress.open(project, flags=self.PATIENT) as buttress:
                for other in others:
                    await buttress.ask("chat", {"question": "Mine?"}, **other)
            told = [said(one.body) for one in upstream.received]
        assert told == [["One?"], ["One?", "Hello world.", "Two?"], *([["Mine?"]] * 5)]

    async def test_two_calls_at_once_keep_both_pairs_whole(self, tmp_path: Path) -> None:
        def echo(received: Received) -> Reply:
            return Reply(chunks=(f"To {received.question}",))

        async with ScriptedUpstream(echo) as upstream:
            project = write_project(tmp_path / "a project", upstream.url)
            unsummarised = (*self.PATIENT, "prompts.memory.summarise_messages=0")
            async with Buttress.open(project, flags=unsummarised) as buttress:
                async with asyncio.TaskGroup() as group:
                    for number in range(20):
                        asking = buttress.ask("chat", {"question": f"q{number}"}, conversation="c1")
                        group.create_task(asking)
                await buttress.ask("chat", {"question": "And now?"}, conversation="c1")
            turns = said(upstream.received[-1].body)[:-1]
        assert sorted(turns[::2]) == sorted(f"q{number}" for number in range(20))
        assert turns[1::2] == [f"To {question}" for question in turns[::2]]

    async def test_a_database_killed_in_the_middle_costs_no_answer_and_no_turn(self, tmp_path: Path) -> None:
        async with ScriptedUpstream() as upstream:
            project = write_project(tmp_path / "a project", upstream.url)
            async with Buttress.open(project, flags=self.PATIENT) as buttress:
                for number in range(8):
                    if number in (2, 5):
                        os.kill(postmaster(project), signal.SIGKILL)
                    question: dict[str, object] = {"question": f"q{number}"}
                    answer = await buttress.ask("chat", question, user="ada", conversation="c1")
                    assert answer.outcome == "answered"
            async with Buttress.open(project, flags=self.PATIENT) as buttress:
                await buttress.ask("chat", {"question": "Last?"}, user="ada", conversation="c1")
            assert said(upstream.received[-1].body)[:-1:2] == [f"q{number}" for number in range(8)]

    async def test_a_database_that_cannot_be_had_costs_the_turns_only(self, tmp_path: Path) -> None:
        nowhere = ("storage.database_url=postgresql://127.0.0.1:9/none", "prompts.memory.flush_s=0.01")
        async with ScriptedUpstream() as upstream:
            project = write_project(tmp_path / "a project", upstream.url)
            async with Buttress.open(project, flags=nowhere) as buttress:
                for _ in range(2):
                    answer = await buttress.ask("chat", {"question": "Hi?"}, conversation="c1")
                    assert answer.text == "Hello world."
            assert [said(one.body) for one in upstream.received] == [["Hi?"], ["Hi?"]]
        reasons = [
            one.data["reason"] for trace in spooled(project) for one in trace.spans if one.name == "remember"
        ]
        assert reasons[0] == "storage.unavailable"
        assert reasons[1] in ("storage.unavailable", "prompts.memory_late")  # while the first turn waits

    async def test_what_is_older_than_it_may_be_is_deleted(self, tmp_path: Path) -> None:
        async with ScriptedUpstream() as upstream:
            project = write_project(tmp_path / "a project", upstream.url)
            async with Buttress.open(
                project, flags=[*self.PATIENT, "prompts.memory.keep_days=1"]
            ) as buttress:
                await buttress.ask("chat", {"question": "Hi?"}, conversation="c1")
                assert await buttress.forget_conversations() == 0
            async with (
                project_database(load_settings(project), SystemClock()) as database,
                database.connection() as connection,
            ):
                await connection.execute("UPDATE conversations SET last_at = last_at - interval '2 days'")
            async with Buttress.open(
                project, flags=[*self.PATIENT, "prompts.memory.keep_days=1"]
            ) as buttress:
                assert await buttress.forget_conversations() == 1
                await buttress.ask("chat", {"question": "Still there?"}, conversation="c1")
            assert said(upstream.received[-1].body) == ["Still there?"]


def said(body: dict[str, object]) -> list[str]:
    """Return the contents of a request's messages."""
    return [one.content for one in msgspec.convert(body["messages"], list[Message])]


def postmaster(project: Path) -> int:
    """Return the process of the project's own PostgreSQL."""
    (pid_file,) = (project / ".buttress").rglob("postmaster.pid")
    return int(pid_file.read_text().split()[0])
