"""What clients of re-rankers read."""

import msgspec
import pytest

from buttress.models.dialects.rerank import Asked, Ranked, Result
from buttress.server.doors.rerank_wire import answer_of, rerank_error
from buttress.server.errors import BodyInvalid

ASKED = Asked(query="q", documents=["a", "b"], top_n=None, max_tokens=None, wants_documents=False)
RESULTS = [Result(1, 0.9), Result(0, 0.2)]
PLAIN: dict[str, object] = {
    "id": "rerank-1",
    "model": "ranker",
    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}],
    "meta": {"api_version": {"version": "2"}},
}
CUT = "of 12 documents only the beginning was read: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..."


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        pytest.param(Ranked(results=RESULTS), PLAIN, id="nothing was counted"),
        pytest.param(
            Ranked(results=RESULTS, tokens=7),
            PLAIN
            | {
                "usage": {"prompt_tokens": 7, "total_tokens": 7},
                "meta": {"api_version": {"version": "2"}, "tokens": {"input_tokens": 7}},
            },
            id="tokens were counted",
        ),
        pytest.param(
            Ranked(results=RESULTS, search_units=1),
            PLAIN | {"meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}},
            id="searches were counted",
        ),
        pytest.param(
            Ranked(results=RESULTS, truncated=list(range(12)), warnings=["old model"]),
            PLAIN
            | {
                "meta": {
                    "api_version": {"version": "2"},
                    "warnings": ["old model", CUT],
                    "truncated": list(range(12)),
                }
            },
            id="documents were cut",
        ),
    ],
)
def test_an_answer(ranked: Ranked, expected: dict[str, object]) -> None:
    made = answer_of("rerank-1", "ranker", ASKED, ranked)
    assert msgspec.json.decode(msgspec.json.encode(made)) == expected


def test_documents_are_given_back_to_who_asks_for_them() -> None:
    asked = msgspec.structs.replace(ASKED, wants_documents=True)
    assert answer_of("rerank-1", "ranker", asked, Ranked(results=RESULTS))["results"] == [
        {"index": 1, "relevance_score": 0.9, "document": {"text": "b"}},
        {"index": 0, "relevance_score": 0.2, "document": {"text": "a"}},
    ]


def test_an_error_has_what_each_client_looks_for() -> None:
    error = BodyInvalid("documents: 0", hint="Send some.", data={"param": "documents"})
    told = msgspec.json.decode(rerank_error(error))
    assert told["message"] == "documents: 0. Send some."
    assert told["error"]["code"] == "server.body_invalid"
    assert (told["error"]["param"], told["error"]["hint"]) == ("documents", "Send some.")
