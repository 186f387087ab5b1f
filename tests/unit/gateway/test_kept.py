"""An answer as it is kept."""

from datetime import timedelta

import msgspec
import pytest

from buttress.caching.types import Key
from buttress.gateway.kept import Keeping, KeptAnswer, KeptSentence, cited_in, entry_of, pauses_ms, read_entry
from buttress.gateway.types import Sentence
from buttress.guardrails.withholding import Withheld
from buttress.kernel.cached import CachePolicy
from buttress.kernel.ids import TraceId
from buttress.kernel.passages import CitationState, cite
from buttress.kernel.usage import NanoDollars
from buttress.testing.clock import NOON
from tests.unit.gateway.world import a_passage

KEY = Key("t", "f", "d")
PASSAGE = a_passage("It opens at nine.", 4)
CITED = Sentence(
    "It opens at nine. [1]", (cite(PASSAGE, 1, "…", CitationState.VERBATIM, (0, 17)),), "verbatim"
)


def kept(*at_ms: float) -> KeptAnswer:
    """Return an answer whose sentences were released at those times."""
    return KeptAnswer(
        trace_id=TraceId("tr_1"),
        made_at=NOON,
        sentences=tuple(KeptSentence(CITED, one) for one in at_ms),
        passages=(PASSAGE,),
        withheld=(Withheld("No.", "uncited"),),
        model="writer",
        tokens=10,
        cost_nanodollars=NanoDollars(7),
    )


def test_it_is_read_as_it_was_written() -> None:
    entry = entry_of(kept(10.0, 20.5), CachePolicy(ttl_s=60), cited_in(kept(1.0)))
    assert read_entry(entry, KeptAnswer) == kept(10.0, 20.5)
    assert (entry.cited, entry.tokens, entry.cost) == (("document-4",), 10, 7)
    assert entry.expires_at == NOON + timedelta(seconds=60)


def test_what_is_told_with_it_is_known_for_when_its_readers_change() -> None:
    beside = msgspec.structs.replace(kept(1.0), passages=(PASSAGE, a_passage("It is secret.", 5)))
    assert cited_in(beside) == ("document-4", "document-5")


@pytest.mark.parametrize("body", [b"", b"{}", b"\x80", b"\x81\xa8trace_id\x01", b"\xff"])
def test_what_is_none_is_none(body: bytes) -> None:
    entry = entry_of(kept(1.0), CachePolicy())
    assert read_entry(type(entry)(body=body, made_at=NOON, expires_at=NOON), KeptAnswer) is None


def test_pauses_are_those_between_sentences_and_none_is_long() -> None:
    assert list(pauses_ms(kept(500.0, 600.0, 590.0, 60_000.0).sentences)) == [0.0, 100.0, 0.0, 2_000.0]
    assert list(pauses_ms(kept().sentences)) == []


def test_what_is_heard_is_noted() -> None:
    keeping = Keeping(key=KEY, flight=KEY, policy=CachePolicy())
    keeping.heard(CITED, 12.34567)
    assert keeping.sentences == [KeptSentence(CITED, 12.346)]
