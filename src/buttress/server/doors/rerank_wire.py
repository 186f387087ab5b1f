"""What clients of re-rankers read, of Cohere's, Jina's and vLLM's make alike. Pure."""

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.models.dialects.chat.writing import error_body
from buttress.models.dialects.rerank import Asked, Ranked, Result
from buttress.server.errors import status_of


class RerankRequest(msgspec.Struct, frozen=True):
    """What is read of a request; an upstream gets all other fields, too. For openapi.json."""

    model: str
    query: str
    documents: list[str]
    top_n: int | None = None
    return_documents: bool | None = None
    max_tokens_per_doc: int | None = None


def answer_of(own_id: str, model: str, asked: Asked, ranked: Ranked) -> dict[str, object]:
    """Return the answer, best first.

    `usage` is for clients of Jina and vLLM, `meta` for Cohere's; a figure that nobody told is left out.
    Documents are given back where that was asked for.
    """
    usage = {} if ranked.tokens is None else {"usage": _usage(ranked.tokens)}
    results = [_result(one, asked) for one in ranked.results]
    return {"id": own_id, "model": model, "results": results, **usage, "meta": _meta(ranked)}


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def _result(result: Result, asked: Asked) -> dict[str, object]:
    told: dict[str, object] = {"index": result.index, "relevance_score": result.relevance_score}
    return told | ({"document": {"text": asked.documents[result.index]}} if asked.wants_documents else {})


def _meta(ranked: Ranked) -> dict[str, object]:
    meta: dict[str, object] = {"api_version": {"version": "2"}}
    if ranked.search_units is not None:
        meta["billed_units"] = {"search_units": ranked.search_units}
    if ranked.tokens is not None:
        meta["tokens"] = {"input_tokens": ranked.tokens}
    if warnings := [*ranked.warnings, *_cut(ranked.truncated)]:
        meta["warnings"] = warnings
    return meta | ({"truncated": ranked.truncated} if ranked.truncated else {})


def _cut(truncated: list[int]) -> list[str]:
    """Return the warning that of some documents only the beginning was read."""
    if not truncated:
        return []
    first = ", ".join(str(place) for place in truncated[:_MAX_TOLD])
    more = ", ..." if len(truncated) > _MAX_TOLD else ""
    return [f"of {len(truncated):,} documents only the beginning was read: {first}{more}"]


_MAX_TOLD = 10


def rerank_error(error: ButtressError) -> bytes:
    """Return the body of an error: OpenAI's object, as vLLM sends it, and Cohere's `message` beside it."""
    told = msgspec.json.decode(error_body(error, status_of(error)), type=dict[str, object])
    return msgspec.json.encode({**told, "message": f"{error.message}. {error.hint}"})
