"""Re-ranking in the words of Cohere, Jina and vLLM."""

from math import isfinite

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.usage import Usage
from buttress.models.dialects.rerank import (
    MAX_DOCUMENTS,
    Asked,
    Ranked,
    Result,
    ignored,
    in_order,
    pass_on,
    read_asked,
    read_body,
    read_ranked,
    seen_in,
)
from buttress.models.errors import BadAnswer, RequestInvalid

MODEL = Model(name="ranker", provider="rerank", id="rerank-v3.5")
ASKED = Asked(query="q", documents=["a", "b", "c"], top_n=None, max_tokens=None, wants_documents=False)
PLAIN: dict[str, object] = {"model": "ranker", "query": "q", "documents": ["a", "b"]}


def bytes_of(**fields: object) -> bytes:
    return msgspec.json.encode(PLAIN | fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {}, id="the least that there is"),
        pytest.param({"documents": [{"text": "a"}, "b"]}, {}, id="documents as objects and as texts"),
        pytest.param({"documents": [{"text": "a", "title": "t"}, "b"]}, {}, id="more in a document is left"),
        pytest.param({"top_n": 1}, {"top_n": 1}, id="the best one"),
        pytest.param({"top_n": 0}, {}, id="none means all, as vLLM says it"),
        pytest.param({"top_n": None, "return_documents": None}, {}, id="null is as good as missing"),
        pytest.param({"return_documents": True}, {"wants_documents": True}, id="with the documents"),
        pytest.param({"max_tokens_per_doc": 7}, {"max_tokens": 7}, id="of each seven tokens"),
        pytest.param({"rank_fields": ["text"]}, {}, id="by their text, as they always are"),
    ],
)
def test_a_request_is_read(fields: dict[str, object], expected: dict[str, object]) -> None:
    asked = Asked(query="q", documents=["a", "b"], top_n=None, max_tokens=None, wants_documents=False)
    body = read_body(bytes_of(**fields))
    assert (body.model, body.is_stream) == ("ranker", False)
    assert read_asked(body) == msgspec.structs.replace(asked, **expected)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"model": ""}, "model", id="no model"),
        pytest.param({"model": 1}, "model", id="a number for a model"),
        pytest.param({"query": ""}, "query", id="no query"),
        pytest.param({"query": " \n"}, "query", id="a blank query"),
        pytest.param({"query": ["q"]}, "query", id="a list for a query"),
        pytest.param({"documents": []}, "documents", id="no documents"),
        pytest.param({"documents": None}, "documents", id="null for documents"),
        pytest.param({"documents": "a"}, "documents", id="a text for documents"),
        pytest.param({"documents": ["a", 1]}, "documents[1]", id="a number among the documents"),
        pytest.param({"documents": ["a", {"image": "u"}]}, "documents[1]", id="a picture"),
        pytest.param({"documents": ["a"] * (MAX_DOCUMENTS + 1)}, "documents", id="too many"),
        pytest.param({"top_n": -1}, "top_n", id="less than none"),
        pytest.param({"top_n": 1.5}, "top_n", id="half a document"),
        pytest.param({"top_n": True}, "top_n", id="yes for a number"),
        pytest.param({"max_tokens_per_doc": 0}, "max_tokens_per_doc", id="nothing of each"),
        pytest.param({"max_tokens_per_doc": 2**70}, "max_tokens_per_doc", id="more than a machine counts"),
        pytest.param({"return_documents": "yes"}, "return_documents", id="a word for yes"),
        pytest.param({"rank_fields": ["title"]}, "rank_fields", id="by their titles"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        read_asked(read_body(bytes_of(**fields)))
    assert raised.value.data["param"] == param
    assert raised.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"model"', b"\xff", b"[" * 100_000, b'{"model": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(RequestInvalid):
        read_body(data)


def test_as_many_as_are_taken() -> None:
    assert len(read_asked(read_body(bytes_of(documents=["a"] * MAX_DOCUMENTS))).documents) == MAX_DOCUMENTS


def test_going_on_only_what_is_ours_is_taken_out() -> None:
    """Fields that we have never heard of are the upstream's business; documents are sent once."""
    documents = [{"text": "a"}, "b"]
    body = read_body(
        bytes_of(documents=documents, top_n=0, return_documents=True, rank_fields=["text"], priority=3)
    )
    assert ignored(body) == ("priority",)
    assert msgspec.json.decode(pass_on(MODEL, body)) == {
        "model": "rerank-v3.5",
        "query": "q",
        "documents": ["a", "b"],
        "priority": 3,
    }
    assert msgspec.json.decode(pass_on(MODEL, read_body(bytes_of(top_n=1))))["top_n"] == 1


@pytest.mark.parametrize(
    ("scores", "top_n", "places"),
    [
        pytest.param([0.1, 0.9, 0.5], None, [1, 2, 0], id="best first"),
        pytest.param([0.5, 0.9, 0.5, 0.9], None, [1, 3, 0, 2], id="the first of two that are alike"),
        pytest.param([0.1, 0.9, 0.5], 2, [1, 2], id="the best two"),
        pytest.param([0.1], 5, [0], id="no more than there are"),
    ],
)
def test_the_order(scores: list[float], top_n: int | None, places: list[int]) -> None:
    assert [one.index for one in in_order(scores, top_n)] == places


@given(st.lists(st.floats(0, 1), max_size=40))
def test_an_order_has_every_document_once_and_is_the_same_again(scores: list[float]) -> None:
    results = in_order(scores, None)
    assert sorted(one.index for one in results) == list(range(len(scores)))
    assert [one.relevance_score for one in results] == sorted(scores, reverse=True)
    assert in_order([one.relevance_score for one in results], None) == [
        Result(place, one.relevance_score) for place, one in enumerate(results)
    ]


BEST = [Result(2, 0.9), Result(0, 0.2)]
RESULTS = b'"results": [{"index": 0, "relevance_score": 0.2}, {"index": 2, "relevance_score": 0.9}]'


@pytest.mark.parametrize(
    ("answer", "ranked"),
    [
        pytest.param(b"{%b}" % RESULTS, Ranked(results=BEST), id="nothing but results, in any order"),
        pytest.param(
            b'{"id": "x", %b, "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}'
            % RESULTS,
            Ranked(results=BEST, search_units=1),
            id="Cohere",
        ),
        pytest.param(
            b'{%b, "meta": {"billed_units": {"search_units": 1}, "warnings": ["old model"],'
            b' "tokens": {"input_tokens": 12, "output_tokens": 0}}}' % RESULTS,
            Ranked(results=BEST, search_units=1, tokens=12, warnings=["old model"]),
            id="Cohere, with tokens and a warning",
        ),
        pytest.param(
            b'{"model": "jina-reranker-v2", "object": "list", "usage": {"total_tokens": 15}, %b}' % RESULTS,
            Ranked(results=BEST, tokens=15),
            id="Jina",
        ),
        pytest.param(
            b'{"id": "rerank-1", "model": "bge", "usage": {"prompt_tokens": 9, "total_tokens": 9},'
            b' "results": [{"index": 2, "document": {"text": "c", "image": null}, "relevance_score": 0.9},'
            b' {"index": 0, "document": {"text": "a"}, "relevance_score": 0.2}]}',
            Ranked(results=BEST, tokens=9),
            id="vLLM, which gives the documents back",
        ),
        pytest.param(
            b'{"usage": {"total_tokens": -9}, %b}' % RESULTS,
            Ranked(results=BEST, tokens=0),
            id="a count below nothing, which would be paid back",
        ),
    ],
)
def test_an_answer_is_read(answer: bytes, ranked: Ranked) -> None:
    assert read_ranked(MODEL, answer, ASKED) == ranked


def test_no_more_than_were_asked_for() -> None:
    asked = msgspec.structs.replace(ASKED, top_n=1)
    assert read_ranked(MODEL, b"{%b}" % RESULTS, asked).results == BEST[:1]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b'{"data": []}', id="another format"),
        pytest.param(b'{"results": []}', id="no results"),
        pytest.param(b'{"results": [{"index": 3, "relevance_score": 1}]}', id="a document that there is not"),
        pytest.param(b'{"results": [{"index": -1, "relevance_score": 1}]}', id="a place before the first"),
        pytest.param(
            b'{"results": [{"index": 1, "relevance_score": 1}, {"index": 1, "relevance_score": 0}]}',
            id="twice",
        ),
        pytest.param(b'{"results": [{"index": 1, "relevance_score": "high"}]}', id="a word for a score"),
        pytest.param(b'{"results": [{"index": 1}]}', id="no score"),
        pytest.param(b'{"results": [{"index": 1, "relevance_score": 1e999}]}', id="a score without bounds"),
    ],
)
def test_what_is_no_ranking_of_these_documents_is_a_bad_answer(answer: bytes) -> None:
    with pytest.raises(BadAnswer, match="ranker"):
        read_ranked(MODEL, answer, ASKED)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_ranking_or_a_bad_answer(answer: bytes) -> None:
    try:
        ranked = read_ranked(MODEL, answer, ASKED)
    except BadAnswer:
        return
    assert all(isfinite(one.relevance_score) for one in ranked.results)


@pytest.mark.parametrize(("tokens", "usage"), [(12, Usage(input=12)), (None, None)])
def test_a_bill_knows_what_was_told(tokens: int | None, usage: Usage | None) -> None:
    """What nobody told is unknown, which is not 0."""
    seen = seen_in(MODEL, Ranked(results=BEST, tokens=tokens))
    assert seen.finished is not None
    assert (seen.finished.usage, seen.characters, seen.has_content) == (usage, 0, True)
    assert msgspec.json.decode(seen.text, type=Ranked).results == BEST
