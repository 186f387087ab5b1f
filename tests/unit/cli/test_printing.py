"""What a terminal shows: nothing of it can be an order to the terminal."""

import msgspec
import pytest

from buttress.cli.printing import (
    print_footer,
    print_passages,
    print_sources,
    print_trace,
    print_troubles,
    print_withheld,
)
from buttress.gateway.types import Answer, FailedModel, LeftOut, Mapped
from buttress.guardrails.withholding import Withheld
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import ReleaseId, TraceId
from buttress.kernel.passages import Citation, CitationState, cite
from buttress.kernel.spans import Span
from buttress.kernel.usage import NanoDollars, Usage
from buttress.knowledge.errors import NotIngested
from buttress.models.errors import ModelTimeout
from buttress.settings.errors import SecretMissing
from buttress.testing.clock import NOON
from buttress.tracing.types import Trace
from tests.unit.gateway.world import a_passage

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r"


def a_citation(number: int, state: CitationState = CitationState.VERBATIM, **changes: object) -> Citation:
    """Return a citation of the passage of that number."""
    return msgspec.structs.replace(
        cite(a_passage("A text.", number), number, "A text.", state, (0, 7)), **changes
    )


def an_answer(**changes: object) -> Answer:
    """Return a whole answer."""
    answer = Answer(
        trace_id=TraceId("tr_1"),
        feature="support",
        release_id=ReleaseId("rel_1"),
        text="A text.",
        outcome="answered",
        reason="",
        citations=(),
        passages=(),
        model="quotes",
        usage=Usage(input=1_000, output=234),
        cost_nanodollars=NanoDollars(1_250_000),
        duration_ms=1_234.5,
    )
    return msgspec.structs.replace(answer, **changes)


def a_trace(**changes: object) -> Trace:
    """Return a trace with one step and one attempt."""
    trace = Trace(
        trace_id=TraceId("tr_1"),
        tenant="default",
        feature="support",
        release_id=None,
        user_id=None,
        started_at=NOON,
        duration_ms=12.5,
        outcome="answered",
        spans=[
            Span(name="send", started_at=NOON, start_ms=1.0, duration_ms=2.0, depth=1, error="models.timeout")
        ],
        attempts=[{"model": "quotes", "outcome": "failed", "error_code": "models.timeout"}],
    )
    return msgspec.structs.replace(trace, **changes)


def test_each_cited_place_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    citations = [
        a_citation(2, CitationState.UNSUPPORTED),
        a_citation(1, place="page-1.md, pages 3-4, Refunds > Annual plans"),
        a_citation(1, CitationState.SUPPORTED),
        a_citation(1),
    ]
    print_sources(citations)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Sources"
    assert lines[2].endswith("supported, verbatim")
    assert "[1] page-1.md, pages 3-4, Refunds > Annual plans" in lines[2]
    assert lines[3].strip() == "[2] page-2.md, A page  unsupported"
    assert len(lines) == 4


def test_no_sources_are_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_sources(())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({}, "answered · model quotes · 1,234 ms · 1,234 tokens · cost $0.001250", id="answered"),
        pytest.param({"cost_nanodollars": None}, "cost unknown", id="an unknown cost is never 0"),
        pytest.param(
            {"outcome": "fallback", "reason": "models.timeout", "model": None},
            "fallback (models.timeout) · no model",
            id="a fallback says why",
        ),
        pytest.param(
            {"failed": (FailedModel("writer", "settings.secret_missing"),)},
            "model quotes · writer failed (settings.secret_missing) · ",
            id="a model that failed is named with its reason",
        ),
    ],
)
def test_the_footer_is_one_line(
    changes: dict[str, object], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_footer(an_answer(**changes))
    out = capsys.readouterr().out
    assert text in out
    assert "buttress trace show tr_1" in out
    assert len(out.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, [], id="an answer without any"),
        pytest.param({"reason": "retrieve.nothing_relevant"}, [], id="no document that answers is none"),
        pytest.param({"reason": NotIngested.code}, [NotIngested], id="nothing was read yet"),
        pytest.param(
            {"failed": (FailedModel("a", SecretMissing.code), FailedModel("b", SecretMissing.code))},
            [SecretMissing],
            id="two models for the same reason",
        ),
        pytest.param(
            {"reason": "models.no_rung_left", "failed": (FailedModel("a", ModelTimeout.code),)},
            [ModelTimeout],
            id="the only model, instead of the end of its ladder",
        ),
    ],
)
def test_troubles_are_told_with_what_to_do(
    changes: dict[str, object], told: list[type[ButtressError]], capsys: pytest.CaptureFixture[str]
) -> None:
    print_troubles(an_answer(**changes))
    seen = capsys.readouterr()
    assert seen.out == ""
    notes, hints = seen.err.splitlines()[::2], seen.err.splitlines()[1::2]
    assert hints == [f"hint: {error.hint}" for error in told]
    assert all(error.code in note for note, error in zip(notes, told, strict=True))
    assert all(one.model in notes[0] for one in an_answer(**changes).failed)


def test_what_was_withheld_is_one_line_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    print_withheld([Withheld("It costs\n$9.", "unsupported"), Withheld("word " * 100, "uncited")])
    first, second = capsys.readouterr().out.strip().split("\n\n")
    assert first == 'withheld: "It costs $9.": the passage it cites does not say so'
    assert len(second.splitlines()) == 1
    assert second.endswith('…": no passage says so')
    assert len(second) < 220
    print_withheld([])
    assert capsys.readouterr().out == ""


def test_a_name_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """However a file is called: nothing in its name can look like a line of ours."""
    name = "a\nSources\u2028b\t.md"
    print_sources([a_citation(1, document=name, section=(name,))])
    print_passages([a_passage("Text.", document=name, section=(name,))])
    assert capsys.readouterr().out.count("\n") == 3 + 4


def test_passages_have_their_place_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    print_passages([a_passage("One line.\nAnother."), a_passage("More.", 2)])
    out = capsys.readouterr().out
    assert "1. page-1.md, A page" in out
    assert "cosine 0.90  coverage 100%  characters 0-18" in out
    assert "   One line.\n   Another." in out
    assert "2. page-2.md" in out


def test_a_trace_tells_its_steps_and_attempts(capsys: pytest.CaptureFixture[str]) -> None:
    print_trace(a_trace(input={"question": "Why?"}, answer="So.\nThere."))
    out = capsys.readouterr().out
    assert "    send" in out
    assert "attempt at quotes: failed (models.timeout)" in out
    assert "cost      unknown" in out
    assert "  So.\n  There." in out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, "ended by  its end", id="it came to its end"),
        pytest.param({"outcome": "cancelled"}, "ended by  client", id="the client hung up"),
        pytest.param(
            {"outcome": "cancelled", "error_code": "server.stopping"},
            "ended by  server.stopping",
            id="the server stopped",
        ),
    ],
)
def test_a_trace_tells_who_ended_it(
    capsys: pytest.CaptureFixture[str], changes: dict[str, object], told: str
) -> None:
    print_trace(a_trace(**changes))
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cost", "is_estimated", "told"),
    [
        pytest.param(NanoDollars(4_000), True, "cost      $0.000004 estimated\n", id="estimated"),
        pytest.param(NanoDollars(4_000), False, "cost      $0.000004\n", id="told by the upstream"),
        pytest.param(None, True, "cost      unknown\n", id="of an unknown price"),
    ],
)
def test_a_cost_that_was_estimated_says_so(
    capsys: pytest.CaptureFixture[str], *, cost: NanoDollars | None, is_estimated: bool, told: str
) -> None:
    attempt = {"model": "a", "outcome": "answered", "is_estimated": is_estimated}
    print_trace(a_trace(cost_nanodollars=cost, attempts=[attempt]))
    assert told in capsys.readouterr().out


def test_what_nobody_knows_of_a_lost_call_is_not_shown_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_trace(a_trace(outcome="lost", duration_ms=0.0, attempts=[]))
    out = capsys.readouterr().out
    for fact in ("took      unknown", "tokens    unknown", "cost      unknown"):
        assert fact in out


def test_nothing_hostile_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_sources([a_citation(1, document=f"a{ESCAPES}", section=(ESCAPES,))])
    print_withheld([Withheld(ESCAPES, "uncited")])
    print_passages([a_passage(ESCAPES, document=f"a{ESCAPES}", section=(ESCAPES,))])
    print_trace(
        a_trace(
            feature=f"a{ESCAPES}",
            user_id=ESCAPES,
            answer=ESCAPES,
            error_code=ESCAPES,
            model=ESCAPES,
            input={"question": ESCAPES, ESCAPES: 1},
            spans=[Span(name="rules", started_at=NOON, start_ms=0.0, data={ESCAPES: ESCAPES}, error=ESCAPES)],
            attempts=[{"model": ESCAPES, "outcome": "failed", "error_code": ESCAPES}],
        )
    )
    shown = capsys.readouterr().out
    assert not {letter for letter in shown if not letter.isprintable()} - {"\n"}


def test_the_footer_tells_how_a_long_text_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    left_out = (LeftOut("pages 12-14", "models.timeout"),)
    print_footer(an_answer(mapped=Mapped(pieces=40, kept=1_030, merges=3, left_out=left_out)))
    assert "40 pieces, 3 merges, 1,030 kept from before, 1 left out · " in capsys.readouterr().out
