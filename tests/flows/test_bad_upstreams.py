"""`buttress serve` before upstreams that say what they should not: every door, whole and streamed.

Whatever an upstream does, a client hears a good answer, or an error in its own dialect with a code and a
hint; each request that reached the upstream is one attempt of the trace, paid for once; and the worker holds
nothing more afterwards: no task, no connection, no file.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from buttress.server.errors import STATUSES
from tests.flows.bad_answers import MEGABYTE, TEXT
from tests.flows.bench import PROVIDERS, Bench, Provider, question
from tests.flows.doors import Heard, heard_by_all, rss_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MOST_MEMORY_BYTES = 400 * MEGABYTE
"""Of a worker that has 70 at rest, and reads six bodies at once: some megabytes each."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of an upstream that fails before it has said a word: the code of the error.

    `whole_code` is that of who asked for a whole answer in the upstream's own dialect, where it is another
    one.
    """

    code: str = "models.bad_answer"
    whole_code: str = ""


def tries_of(code: str | None) -> int:
    """Return how often an upstream is asked that fails so: not again where it was slow, or has worked."""
    return 1 if code in ("models.bad_answer", "models.timeout") else 2


BAD, AWAY = Fault(), Fault(code="models.unavailable")
TOO_SHORT = Fault(code="models.stream_cut", whole_code="models.bad_answer")
LATE = Fault(code="models.timeout")
FAULTS = {
    "a page that says 200": BAD,
    "a page that says 502": AWAY,
    "no content": BAD,
    "a redirect": BAD,
    "an empty body": TOO_SHORT,
    "not packed as it says": BAD,
    "packed as nobody can": BAD,
    "nothing at all": AWAY,
    "half a head": AWAY,
    "only an early hint": AWAY,
    "another protocol": BAD,
    "no HTTP": BAD,
    "headers without an end": BAD,
    "a header without an end": BAD,
    "a chunk size that overflows": BAD,
    "a chunk size that is none": BAD,
    "a length below nothing": BAD,
    "two lengths": BAD,
    "a length and chunks": BAD,
    "a length that is too short": TOO_SHORT,
    "null": BAD,
    "a list": BAD,
    "deep JSON": BAD,
    "a whole answer for a stream, and a stream for a whole answer": BAD,
}
HEAVY = {
    "ten megabytes in one event": BAD,
    "ten megabytes without an event": BAD,
    "a little that unpacks to a hundred megabytes": BAD,
}
STALLS = {"silence": LATE, "a head and silence": LATE}
ODD = (
    *("gzip that was not asked for", "early hints first", "one byte after the other in chunks"),
    *("fields that nobody knows", "a connection that is closed after it"),
)


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of an answer that breaks after its first word: the code of the error.

    `whole_code` is for an upstream that was asked for a whole answer: it had said nothing.
    """

    code: str = "models.stream_cut"
    whole_code: str = "models.bad_answer"


BREAKS = {
    "cut": Break(whole_code="models.unavailable"),
    "a clean end in the middle": Break(),
    "a bad chunk size in the middle": Break(code="models.bad_answer"),
    "ten megabytes in the middle": Break(code="models.bad_answer", whole_code="models.unavailable"),
    "silence in the middle": Break(code="models.timeout", whole_code="models.timeout"),
}
ENDS = {
    "two finish reasons": 10,
    "two reasons that differ": 10,
    "usage twice": 10,
    "no usage": None,
    "usage of nothing": 0,
    "no [DONE]": 10,
    "everything twice": 10,
    "a megabyte of nothing first": 10,
}
"""How a stream of chat completions ends oddly, and the tokens that are paid for; None: they are estimated."""

LIES = {"[DONE] in the middle": "models.stream_cut", "usage that is no number": "models.bad_answer"}


@pytest.fixture(autouse=True)
async def _nothing_is_left(bench: Bench) -> AsyncIterator[None]:
    """After each test the server holds what it held, and its upstream has no connection."""
    yield
    await bench.comes_to_rest()


def is_asked_whole(one: Heard, provider: Provider) -> bool:
    """Say whether the upstream was asked for a whole answer: where both speak the same dialect."""
    return not one.wants_stream and (one.door, provider) in {("chat", "openai"), ("messages", "anthropic")}


async def by_all_doors(bench: Bench, name: str, provider: Provider) -> list[Heard]:
    """Ask at each door; hold the traces to what came: one attempt for each request, each paid for once."""
    before, model = bench.visits(name, provider), f"by-{provider}"
    told = await heard_by_all(bench.served.url, model, question(name))
    found = bench.traces(name, model)[-len(told) :]
    assert len(found) == len(told)
    attempts = [attempt for one in found for attempt in one.attempts]
    assert len(attempts) == bench.visits(name, provider) - before
    for one in found:
        costs = [attempt["cost"] for attempt in one.attempts]
        assert one.cost_nanodollars == sum(msgspec.convert(costs, list[int]))
    return told


async def by_every_way(bench: Bench, name: str) -> list[tuple[Provider, list[Heard]]]:
    """Ask at each door for each provider, all at once."""
    async with asyncio.TaskGroup() as group:
        asked = [(one, group.create_task(by_all_doors(bench, name, one))) for one in PROVIDERS]
    return [(provider, task.result()) for provider, task in asked]


def check_fault(bench: Bench, name: str, provider: Provider, told: Sequence[Heard]) -> None:
    """Hold answers, and their traces, to what the table says of the fault `name`."""
    fault = (FAULTS | HEAVY | STALLS)[name]
    for one in told:
        code = fault.whole_code if is_asked_whole(one, provider) and fault.whole_code else fault.code
        assert (one.code, one.status, one.text) == (code, STATUSES.get(code, 503), "")
    for trace in bench.traces(name, f"by-{provider}")[-len(told) :]:
        assert [one["outcome"] for one in trace.attempts] == ["failed"] * tries_of(trace.error_code)
        assert trace.outcome == "failed"


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_before_the_first_word_is_an_error_in_the_clients_dialect(
    bench: Bench, name: str
) -> None:
    for provider, told in await by_every_way(bench, name):
        check_fault(bench, name, provider, told)


async def test_a_silent_upstream_is_not_waited_for_for_ever(bench: Bench) -> None:
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(by_every_way(bench, name)) for name in STALLS}
    for name, task in asked.items():
        for provider, told in task.result():
            check_fault(bench, name, provider, told)


async def test_what_is_too_much_is_refused_and_does_not_fill_the_memory(bench: Bench) -> None:
    for name in HEAVY:
        check_fault(bench, name, "openai", await by_all_doors(bench, name, "openai"))
    assert rss_of(bench.served) < MOST_MEMORY_BYTES


async def test_an_answer_of_failure_costs_nothing(bench: Bench) -> None:
    """A page that says 502 comes from before the model; it is asked twice, and nothing is paid."""
    await by_all_doors(bench, "a page that says 502", "openai")
    assert {one.cost_nanodollars for one in bench.traces("a page that says 502", "by-openai")} == {0}


@pytest.mark.parametrize("name", ODD)
async def test_what_is_odd_but_right_is_an_answer(bench: Bench, name: str) -> None:
    for provider, told in await by_every_way(bench, name):
        assert [(one.status, one.text, one.error) for one in told] == [(200, TEXT, {})] * len(told)
        found = bench.traces(name, f"by-{provider}")
        assert {(one.usage.total, one.cost_nanodollars) for one in found} == {(10, 13_000)}


@pytest.mark.parametrize("name", BREAKS)
async def test_half_an_answer_never_looks_whole(bench: Bench, name: str) -> None:
    """A stream that broke ends with an error; who asked for a whole answer gets none; what came is paid."""
    case = BREAKS[name]
    for provider, told in await by_every_way(bench, name):
        for one in told:
            code = case.whole_code if is_asked_whole(one, provider) else case.code
            status = 200 if one.wants_stream else STATUSES.get(code, 503)
            said = "Hello" if one.wants_stream else ""
            assert (one.code, one.status, one.text) == (code, status, said)
        found = bench.traces(name, f"by-{provider}")[-len(told) :]
        assert {one.outcome for one in found} == {"failed"}
        cut = [one for one in found if one.attempts[0]["outcome"] == "cut"]
        assert all(len(one.attempts) == 1 and one.cost_nanodollars and one.usage.output for one in cut)
        silent = [len(one.attempts) for one in found if one not in cut]
        assert silent == [tries_of(case.whole_code)] * sum(is_asked_whole(one, provider) for one in told)


@pytest.mark.parametrize("name", ENDS)
async def test_an_end_that_is_told_oddly_is_paid_for_once(bench: Bench, name: str) -> None:
    told, tokens = await by_all_doors(bench, name, "openai"), ENDS[name]
    assert [(one.status, one.text, one.error) for one in told] == [(200, TEXT, {})] * len(told)
    found = bench.traces(name, "by-openai")[-len(told) :]
    assert [len(one.attempts) for one in found] == [1] * len(told)
    guessed = [one.usage.total for one in found if one.attempts[0]["is_estimated"]]
    counted = [one.usage.total for one in found if not one.attempts[0]["is_estimated"]]
    streams = len(told) - 1  # one was asked for a whole answer, which is a good one
    assert sorted(counted) == sorted([10, *([] if tokens is None else [tokens] * streams)])
    assert len(guessed) == (streams if tokens is None else 0)
    assert all(5 < one < 100 for one in guessed)


@pytest.mark.parametrize("name", LIES)
async def test_an_end_that_is_none_is_an_error(bench: Bench, name: str) -> None:
    for one in await by_all_doors(bench, name, "openai"):
        assert one.code == ("" if is_asked_whole(one, "openai") else LIES[name])


async def test_a_redirect_is_never_followed_with_the_key(bench: Bench) -> None:
    await by_all_doors(bench, "a redirect", "anthropic")
    assert not [visit for visit in bench.upstream.visits if "elsewhere" in visit.head]
    assert all("sk-secret" in visit.head for visit in bench.upstream.visits)


async def test_the_key_is_in_no_error(bench: Bench) -> None:
    for name in ("a page that says 200", "no HTTP", "a redirect"):
        for one in await by_all_doors(bench, name, "openai"):
            assert "sk-secret" not in one.body
