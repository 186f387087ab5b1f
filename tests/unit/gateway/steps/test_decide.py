"""Decide: sentences go out as they come; when they stop, the fallback goes on."""

from collections.abc import AsyncGenerator

import pytest

from buttress.gateway.call import Call
from buttress.gateway.steps.decide import decide, release_reply
from buttress.gateway.steps.fallback import CUT, NOT_WRITTEN, UNCONFIRMED
from buttress.gateway.types import Checked, Reply, Sent, Sentence
from buttress.guardrails.withholding import Withheld
from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.passages import CitationState, cite
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.errors import NoRungLeft, NothingToQuote, RungFailure, StreamCut
from buttress.models.types import Attempt
from buttress.releases.types import Release
from buttress.testing.clock import NOON
from tests.unit.gateway.world import NO_ANSWER, QUOTES, World, a_call, a_passage, a_release, composed

PASSAGES = (a_passage("Refunds take 14 days."),)


async def pieces() -> AsyncGenerator[str, None]:
    """Give what a model said; nobody looks at it here, the sentences are made already."""
    yield "raw"


async def sentences_of(
    given: tuple[str | Withheld, ...], error: ButtressError | None
) -> AsyncGenerator[Sentence | Withheld, None]:
    """Give a sentence for each text, and what is withheld; then fail with `error`, if any."""
    for one in given:
        yield Sentence(one, ()) if isinstance(one, str) else one
    if error:
        raise error


async def released(
    call: Call,
    *given: str | Withheld,
    error: ButtressError | None = None,
    release: Release | None = None,
) -> str:
    """Return all that goes out of an answer of these sentences."""
    sent = Sent(composed(release or a_release(), PASSAGES, "How long do refunds take?"), pieces())
    decided = decide(Checked(sent, sentences_of(given, error)), call)
    texts = []
    async for sentence in decided.sentences:
        assert isinstance(sentence, Sentence)
        call.released(sentence)  # as `answer` does
        texts.append(sentence.text)
    return "".join(texts)


async def test_a_good_answer_goes_out_as_it_is(world: World) -> None:
    call = a_call(world.ports)
    assert await released(call, "One. ", "Two.") == "One. Two."
    assert (call.outcome, call.reason, call.has_model_spoken) == ("answered", "", True)


@pytest.mark.parametrize(
    ("texts", "error", "begins", "reason"),
    [
        pytest.param((), NoRungLeft(()), NOT_WRITTEN, "models.no_rung_left", id="nothing came, and an error"),
        pytest.param(
            (),
            NoRungLeft((RungFailure("quotes", NothingToQuote("no")),)),
            NO_ANSWER,
            "models.nothing_to_quote",
            id="nothing answers the question",
        ),
        pytest.param((), None, NOT_WRITTEN, "models.empty_answer", id="nothing came"),
        pytest.param((" ", "\n\n"), None, NOT_WRITTEN, "models.empty_answer", id="only blanks came"),
        pytest.param(("One.",), StreamCut("cut"), "One." + CUT, "models.stream_cut", id="cut"),
    ],
)
async def test_the_fallback_goes_on(
    world: World, texts: tuple[str, ...], error: ButtressError | None, begins: str, reason: str
) -> None:
    call = a_call(world.ports)
    text = await released(call, *texts, error=error)
    assert text.startswith(begins)
    assert "> Refunds take 14 days. [1]" in text
    assert (call.outcome, call.reason) == ("fallback", reason)
    assert call.has_model_spoken == text.startswith("One.")


FALSE = Withheld("Refunds take 30 days. [1]", "unsupported")


@pytest.mark.parametrize(
    ("given", "text", "reason"),
    [
        pytest.param(
            ("One.", FALSE, "Two."),
            "One.\n\nRefunds take 14 days. [1]",
            "",
            id="quotes go on, the model does not",
        ),
        pytest.param((FALSE,), "Refunds take 14 days. [1]", "", id="quotes alone"),
        pytest.param(
            (Withheld("I do not know.", "declined"),), NO_ANSWER, "check.declined", id="it declined"
        ),
        pytest.param(
            ("One.", Withheld("Bye.", "leads_nowhere")), "One.", "", id="a last word without a claim"
        ),
        pytest.param(
            (Withheld("Yes.", "leads_nowhere"),),
            "Refunds take 14 days. [1]",
            "",
            id="only words without a claim",
        ),
    ],
)
async def test_what_is_withheld_does_not_go_out(
    world: World, given: tuple[str | Withheld, ...], text: str, reason: str
) -> None:
    call = a_call(world.ports)
    out = await released(call, *given)
    assert out == text if not reason else out.startswith(text)
    assert (call.outcome, call.reason) == ("fallback" if reason else "answered", reason)
    assert call.withheld == [one for one in given if isinstance(one, Withheld)]
    assert call.support.withheld == 1


async def test_what_was_told_is_not_told_again(world: World) -> None:
    """Nothing is left to quote then: the reader is told so, and where to look; what was released is whole."""
    call = a_call(world.ports)
    told = cite(PASSAGES[0], 1, "", CitationState.VERBATIM, (0, len(PASSAGES[0].text)))
    call.citations.append(told)
    call.has_model_spoken = True
    assert (await released(call, FALSE)).startswith(UNCONFIRMED)
    assert (call.outcome, call.reason) == ("fallback", "check.withheld")


SMALL = Model(name="small", provider="local", backed=True)


def an_attempt(model: str, first_token_ms: float | None = 1.0) -> Attempt:
    """Return an attempt at `model` that is over."""
    return Attempt(
        model=model,
        provider="local",
        started_at=NOON,
        first_token_ms=first_token_ms,
        duration_ms=2.0,
        usage=Usage(),
        cost=NanoDollars(0),
        outcome="answered",
        error_code=None,
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param(("One.",), "One.\n\nRefunds take 14 days. [1]", id="behind what it wrote"),
        pytest.param((FALSE,), "Refunds take 14 days. [1]", id="in place of what did not hold"),
        pytest.param(
            (Withheld("I do not know.", "declined"),), "Refunds take 14 days. [1]", id="it declined"
        ),
        pytest.param((), "Refunds take 14 days. [1]", id="it said nothing"),
    ],
)
async def test_quotes_follow_a_model_that_is_backed(
    world: World, given: tuple[str | Withheld, ...], text: str
) -> None:
    call = a_call(world.ports)
    call.attempts.append(an_attempt("small"))
    assert await released(call, *given, release=a_release(SMALL, QUOTES)) == text
    assert (call.outcome, call.reason, call.model) == ("answered", "", "extractive")


async def test_a_backed_model_that_has_told_it_all_is_the_one_that_answered(world: World) -> None:
    call = a_call(world.ports)
    call.attempts.append(an_attempt("small"))
    call.citations.append(cite(PASSAGES[0], 1, "", CitationState.VERBATIM, (0, len(PASSAGES[0].text))))
    text = await released(call, "Refunds take 14 days. [1]", release=a_release(SMALL, QUOTES))
    assert text == "Refunds take 14 days. [1]"
    assert (call.outcome, call.model) == ("answered", "small")


async def test_the_rung_behind_a_backed_model_is_not_backed(world: World) -> None:
    call = a_call(world.ports)
    call.attempts += [an_attempt("small", first_token_ms=None), an_attempt("quotes")]
    assert await released(call, "One.", release=a_release(SMALL, QUOTES)) == "One."


async def test_blanks_inside_an_answer_stay(world: World) -> None:
    assert await released(a_call(world.ports), "One.", "\n\n", "Two.") == "One.\n\nTwo."


async def test_a_mistake_is_not_hidden(world: World) -> None:
    async def broken() -> AsyncGenerator[Sentence, None]:
        yield Sentence("One.", ())
        raise ZeroDivisionError

    sent = Sent(composed(a_release(), PASSAGES), pieces())
    with pytest.raises(ZeroDivisionError):
        _ = [one async for one in decide(Checked(sent, broken()), a_call(world.ports)).sentences]


async def test_a_reply_goes_out_whole(world: World) -> None:
    call = a_call(world.ports)
    reply = Reply(sentences=(Sentence("A.", ()), Sentence("B.", ())), outcome="fallback", reason="because")
    assert [one async for one in release_reply(reply, call).sentences] == list(reply.sentences)
    assert (call.outcome, call.reason, call.has_model_spoken) == ("fallback", "because", False)
