"""Recall: an earlier answer is given to the same, and to nothing else."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.caching.errors import LookupLate
from buttress.caching.keys import Knowledge
from buttress.gateway.steps.recall import recall
from buttress.gateway.types import Answer, Asked, Recalled, Ruled, Shared
from buttress.kernel.cached import CachePolicy, SemanticPolicy
from buttress.kernel.messages import Message
from buttress.knowledge.engine.client import RemoteEngine
from buttress.releases.types import Chat
from buttress.testing.upstream import Reply, ScriptedUpstream
from buttress.tracing.types import Trace
from tests.projects import ANSWERABLE, SALARIES
from tests.unit.gateway.answers import AnswersInMemory
from tests.unit.gateway.cached import KEPT, a_plain_release, with_cache
from tests.unit.gateway.world import WRITE, World, a_call, a_model, a_release, asked, ended, inspected

FOUR = Reply(chunks=("Four.", " Exactly."))


def recalling(trace: Trace) -> dict[str, object]:
    """Return what the span of the step says."""
    return next(span.data for span in trace.spans if span.name == "recall")


async def test_without_a_declared_cache_the_question_goes_on(world: World) -> None:
    call = a_call(world.ports)
    ruled = Ruled(inspected(a_release(), {"question": "Why?"}))
    assert await recall(ruled, call) == Recalled(ruled)
    assert [(span.name, span.data) for span in call.recorder.spans] == [("recall", {})]


async def test_the_same_is_answered_once_and_costs_nothing_again(world: World) -> None:
    async with ScriptedUpstream([FOUR]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        first = (await ended(asked("2 + 2?"), world, ports)).answer
        again = (await ended(asked("2 + 2?"), world, ports)).answer
        assert len(upstream.received) == 1
    assert (again.text, again.outcome, again.model) == ("Four. Exactly.", "answered", "writer")
    assert (again.cost_nanodollars, again.usage.total) == (0, 0)
    assert (first.cache, first.recalled, again.cache) == ("miss", None, "hit")
    assert again.recalled is not None
    assert (again.recalled.how, again.recalled.trace_id) == ("exact", first.trace_id)
    assert (again.recalled.tokens, again.recalled.cost_nanodollars) == (10, first.cost_nanodollars)
    assert recalling(world.traces[0]) == {"cache": "miss"}
    assert recalling(world.traces[1]) == {
        "cache": "hit",
        "recalled": "exact",
        "of": first.trace_id,
        "saved_tokens": 10,
        "saved_nanodollars": first.cost_nanodollars,
    }


async def test_all_that_is_told_of_an_answer_comes_back_with_it(world: World) -> None:
    said = "Then the answer says so, and shows the passages that came closest. [1]"
    async with ScriptedUpstream([Reply(chunks=(said, " It costs 12 dollars. [1]"))]) as upstream:
        ports = with_cache(world, a_release(a_model(upstream.url), cache=KEPT))
        first = (await ended(asked(ANSWERABLE), world, ports)).answer
        again = (await ended(asked(ANSWERABLE), world, ports)).answer
    assert again.recalled
    assert first.support.withheld == 1
    told = ("text", "outcome", "reason", "citations", "passages", "support", "model", "release_id")
    assert [getattr(again, name) for name in told] == [getattr(first, name) for name in told]
    assert world.traces[1].withheld == world.traces[0].withheld


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"tenant": "other"}, id="another tenant"),
        pytest.param({"input": {"question": "2 + 3?"}}, id="another question"),
        pytest.param({"history": (Message("user", "Hi"), Message("assistant", "Yes"))}, id="a history"),
        pytest.param({"conversation": "c1"}, id="in a conversation that is kept"),
        pytest.param({"caching": "refresh"}, id="who wants a new one"),
        pytest.param({"caching": "skip"}, id="who wants nothing of the cache"),
    ],
)
async def test_what_differs_is_answered_anew(world: World, other: dict[str, object]) -> None:
    async with ScriptedUpstream([FOUR]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        await ended(asked("2 + 2?"), world, ports)
        assert (await ended(asked("2 + 2?", **other), world, ports)).answer.recalled is None
        assert len(upstream.received) == 2


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"user": "eve"}, id="another user, where nothing is retrieved"),
        pytest.param({"key": "k2", "tags": {"team": "blue"}}, id="another key"),
        pytest.param({"watched": True}, id="who watches"),
    ],
)
async def test_what_changes_nothing_is_not_asked_again(world: World, other: dict[str, object]) -> None:
    async with ScriptedUpstream([FOUR]) as upstream:
        ports = with_cache(world, a_plain_release(upstream))
        await ended(asked("2 + 2?"), world, ports)
        again = (await ended(asked("2 + 2?", **other), world, ports)).answer
        assert again.recalled
        assert len(upstream.received) == 1


async def test_who_wants_a_new_one_has_it_kept_and_who_wants_nothing_does_not(world: World) -> None:
    replies = [Reply(chunks=(f"{number}.",)) for number in range(9)]
    async with ScriptedUpstream(replies) as upstream:
        ports = with_cache(world, a_plain_release(upstream))

        async def said(**how: object) -> str:
            return (await ended(asked("2 + 2?", **how), world, ports)).answer.text

        assert [await said(caching="skip"), await said(), await said(caching="skip")] == ["0.", "1.", "2."]
        assert [await said(caching="refresh"), await said()] == ["3.", "3."]


class TestDocuments:
    """Answers from documents: whose they are, and when they are over."""

    async def test_one_that_only_staff_may_see_is_not_given_to_others(self, world: World) -> None:
        ports = with_cache(world, a_release(cache=KEPT))
        staff = asked(SALARIES, groups=("staff",))
        assert "band 7" in (await ended(staff, world, ports)).answer.text
        mine = (await ended(asked(SALARIES), world, ports)).answer
        assert "band 7" not in mine.text
        assert mine.recalled is None

    async def test_one_that_all_may_see_is_everybodys(self, world: World) -> None:
        ports = with_cache(world, a_release(cache=KEPT))
        await ended(asked(ANSWERABLE, user="ada"), world, ports)
        assert (await ended(asked(ANSWERABLE, user="bob"), world, ports)).answer.recalled

    @pytest.mark.parametrize(
        ("invalidate", "is_kept"),
        [pytest.param("version", False, id="by version"), pytest.param("cited", True, id="by what is cited")],
    )
    async def test_a_change_of_the_documents_ends_it(
        self, world: World, invalidate: str, *, is_kept: bool
    ) -> None:
        answers = AnswersInMemory()
        policy = msgspec.convert({"invalidate": invalidate}, CachePolicy)
        ports = with_cache(world, a_release(cache=policy), answers)
        first = (await ended(asked(ANSWERABLE), world, ports)).answer
        assert answers.docs
        answers.docs = Knowledge("v2", answers.docs.readers)
        assert bool((await ended(asked(ANSWERABLE), world, ports)).answer.recalled) is is_kept
        answers.here.forget_cited([one.document_id for one in first.citations])
        answers.docs = Knowledge("v3", answers.docs.readers)
        assert (await ended(asked(ANSWERABLE), world, ports)).answer.recalled is None

    @pytest.mark.parametrize("invalidate", ["version", "cited"])
    async def test_who_asks_after_a_change_does_not_follow_who_asked_before_it(
        self, world: World, invalidate: str
    ) -> None:
        answers = AnswersInMemory()
        policy = msgspec.convert({"invalidate": invalidate}, CachePolicy)
        ruled = Ruled(inspected(a_release(cache=policy), {"question": ANSWERABLE}))
        ports = with_cache(world, ruled.inspected.chosen.release, answers)
        assert isinstance(await recall(ruled, a_call(ports)), Recalled)
        assert isinstance(await recall(ruled, a_call(ports)), Shared)
        assert answers.docs
        answers.docs = Knowledge("v2", answers.docs.readers)
        assert isinstance(await recall(ruled, a_call(ports)), Recalled)

    async def test_while_it_is_not_known_what_there_is_nothing_is_kept(self, world: World) -> None:
        answers = AnswersInMemory()
        answers.docs = None
        ports = with_cache(world, a_release(cache=KEPT), answers)
        for _ in range(2):
            assert (await ended(asked(ANSWERABLE), world, ports)).answer.cache == "skip"
        assert recalling(world.traces[0]) == {"skipped": "knowledge_unknown"}
        assert answers.here.entries == 0


async def test_a_cache_that_cannot_be_looked_into_costs_no_answer(world: World) -> None:
    answers = AnswersInMemory()
    answers.error = LookupLate("too late")
    async with ScriptedUpstream([FOUR]) as upstream:
        ports = with_cache(world, a_plain_release(upstream), answers)
        assert (await ended(asked("2 + 2?"), world, ports)).answer.text == "Four. Exactly."
    assert recalling(world.traces[0])["reason"] == "caching.late"
    assert answers.here.entries == 1


async def test_an_entry_in_another_form_is_none(world: World) -> None:
    answers = AnswersInMemory()
    async with ScriptedUpstream([FOUR]) as upstream:
        ports = with_cache(world, a_plain_release(upstream), answers)
        await ended(asked("2 + 2?"), world, ports)
        ((key, entry),) = answers.here.items()
        answers.here.put(key, msgspec.structs.replace(entry, body=b'{"of": "another version"}'))
        assert (await ended(asked("2 + 2?"), world, ports)).answer.recalled is None
        assert len(upstream.received) == 2


class TestMeaning:
    """Questions in other words: found by their vectors, compared word by word."""

    @staticmethod
    async def answered(world: World, mode: str, *questions: str) -> list[Answer]:
        """Ask one question after the other; return the answers."""
        semantic = msgspec.convert({"mode": mode, "threshold": 0.7}, SemanticPolicy)
        async with ScriptedUpstream([FOUR]) as upstream:
            release = a_plain_release(
                upstream, cache=CachePolicy(semantic=semantic), chat=Chat(question="question")
            )
            ports = with_cache(world, release)
            return [(await ended(asked(one), world, ports)).answer for one in questions]

    async def test_the_same_in_other_words_is_recalled(self, world: World) -> None:
        first, again = await self.answered(
            world, "on", "How can I reset my password?", "How do I reset my password?"
        )
        assert again.recalled is not None
        assert (again.recalled.how, again.recalled.trace_id) == ("semantic", first.trace_id)

    async def test_another_number_is_another_question_however_near(self, world: World) -> None:
        _, again = await self.answered(
            world, "on", "Can I get a refund after 30 days?", "Can I get a refund after 60 days?"
        )
        assert again.recalled is None
        similar = recalling(world.traces[1])["similar"]
        assert isinstance(similar, dict)
        assert similar["differing"] == ["number"]

    async def test_an_engine_that_is_slow_or_away_costs_no_answer(
        self, world: World, away: RemoteEngine
    ) -> None:
        policy = CachePolicy(semantic=SemanticPolicy())
        answers = AnswersInMemory()
        async with ScriptedUpstream([FOUR]) as upstream:
            release = a_plain_release(upstream, cache=policy, chat=Chat(question="question"))
            ports = with_cache(world, release, answers)
            await ended(asked("Away?"), world, msgspec.structs.replace(ports, engine=away))
            answers.semantic_timeout_s = 0.0
            await ended(asked("Slow?"), world, ports)
        assert [recalling(trace)["reason"] for trace in world.traces] == [
            "knowledge.engine_away",
            "caching.late",
        ]
        assert (answers.here.entries, answers.meanings) == (2, [])

    async def test_in_the_shadow_it_is_only_told(self, world: World) -> None:
        first, again = await self.answered(
            world, "shadow", "How can I reset my password?", "How do I reset my password?"
        )
        assert again.recalled is None
        assert recalling(world.traces[1])["would_recall"] == first.trace_id


whole = st.fixed_dictionaries(
    {"tenant": st.sampled_from(["a", "b"]), "question": st.sampled_from(["1?", "2?", "1 ?"])}
)


@given(st.lists(whole, min_size=2, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
async def test_whoever_asks_is_given_what_was_said_to_the_same_alone(
    world: World, calls: list[dict[str, str]]
) -> None:
    """The upstream's answers are numbered: two calls have one number only if they are equal."""
    numbers = iter(range(1_000))
    async with ScriptedUpstream(lambda _: Reply(chunks=(f"{next(numbers)}.",))) as upstream:
        ports = with_cache(world, a_plain_release(upstream, stages=(WRITE,)))
        said: dict[tuple[str, str], str] = {}
        for one in calls:
            who = (one["tenant"], one["question"])
            answer = (await ended(_asked(*who), world, ports)).answer
            assert said.setdefault(who, answer.text) == answer.text
        assert len(set(said.values())) == len(said) == len(upstream.received)


def _asked(tenant: str, question: str) -> Asked:
    return asked(question, tenant=tenant)
