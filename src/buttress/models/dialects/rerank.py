"""Re-ranking as Cohere, Jina, vLLM and their clients speak it: one request, one answer, no stream. Pure.

All send `{model, query, documents, top_n}` to a path that ends in `/rerank`, and answer
`{results: [{index, relevance_score}]}`. They differ in what else they say: Cohere counts searches in
`meta.billed_units`, Jina and vLLM tokens in `usage`; some give the documents back. What comes of any of
them is a `Ranked`; documents are given back from the request.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.messages import Finished
from buttress.kernel.usage import Usage
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.fields import (
    as_header,
    field,
    is_null,
    model_in,
    read_fields,
    with_model,
    wrong,
)
from buttress.models.dialects.types import Body, Seen
from buttress.models.errors import BadAnswer, RequestInvalid

MAX_DOCUMENTS = 1_000
"""As many as Cohere advises to send."""

HINT = 'Send {"model": "NAME", "query": "...", "documents": ["...", ...]}.'


class _Document(msgspec.Struct, frozen=True):
    text: str


_Decoder = msgspec.json.Decoder
_TEXT = _Decoder(str)
_YES_NO = _Decoder(bool)
_DOCUMENTS = _Decoder(list[str | _Document])
_TEXTS = _Decoder(list[str])
_COUNT = _Decoder(Annotated[int, Meta(ge=0)])
_TOKENS = _Decoder(Annotated[int, Meta(ge=1, le=2**31 - 1)])  # more than any text has

_READ = frozenset(
    ("model", "query", "documents", "top_n", "return_documents", "max_tokens_per_doc", "rank_fields")
)
_OURS = ("return_documents", "rank_fields")
"""Fields that no upstream need see: documents are given back here, and are sent as texts."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for. `top_n` None: all of them; `max_tokens` of a document count at most."""

    query: str
    documents: list[str]
    top_n: int | None
    max_tokens: int | None
    wants_documents: bool


class Result(msgspec.Struct, frozen=True):
    """A document by its place in the request, and its score: the higher, the better it fits."""

    index: int
    relevance_score: float


class Ranked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The documents, best first, and what it took; None: nobody said.

    `truncated` are places of documents of which only the beginning was read, `warnings` what the upstream
    wants to be known, `ignored` the fields of the request that changed nothing.
    """

    results: list[Result]
    tokens: int | None = None
    search_units: float | None = None
    truncated: list[int] = []
    warnings: list[str] = []
    ignored: tuple[str, ...] = ()


def read_body(data: bytes) -> Body:
    """Return the fields of a request, each as it came; but documents are texts, whatever form they had.

    Raises:
        RequestInvalid: it is no JSON object, or names no model or no documents; names the field.
    """
    fields = read_fields(data, HINT)
    model = model_in(fields, HINT)
    given = field(fields, "documents", _DOCUMENTS) or []
    if not 1 <= len(given) <= MAX_DOCUMENTS:
        told = f"documents: {len(given):,}; 1 to {MAX_DOCUMENTS:,} are taken"
        raise RequestInvalid(told, hint=HINT, data={"param": "documents"})
    if any(isinstance(one, _Document) for one in given):
        texts = [one.text if isinstance(one, _Document) else one for one in given]
        fields["documents"] = msgspec.Raw(encode(texts))
    return Body(dialect="rerank", model=model, fields=fields, size_bytes=len(data))


def read_asked(body: Body) -> Asked:
    """Return what a request asks for that `read_body` has read.

    Raises:
        RequestInvalid: a field is not what it must be; names it.
    """
    fields = body.fields
    query = field(fields, "query", _TEXT)
    if not (query and query.strip()):
        raise RequestInvalid("query: missing, or empty", hint=HINT, data={"param": "query"})
    ranked_by = field(fields, "rank_fields", _TEXTS)
    if ranked_by not in (None, ["text"]):
        raise wrong("rank_fields", "documents are ranked by their `text` alone")
    return Asked(
        query=query,
        documents=field(fields, "documents", _TEXTS) or [],
        top_n=field(fields, "top_n", _COUNT) or None,
        max_tokens=field(fields, "max_tokens_per_doc", _TOKENS),
        wants_documents=field(fields, "return_documents", _YES_NO) is True,
    )


def ignored(body: Body) -> tuple[str, ...]:
    """Return the names of the fields of a request that mean nothing here, fit to stand in a header."""
    return as_header(
        sorted(name for name, raw in body.fields.items() if name not in _READ and not is_null(raw))
    )


def pass_on(model: Model, body: Body) -> bytes:
    """Return a client's request as it goes to an upstream: as it came, with the model's name put in."""
    fields = {name: raw for name, raw in body.fields.items() if name not in _OURS}
    if field(fields, "top_n", _COUNT) == 0:  # as vLLM's clients say "all", which others refuse
        del fields["top_n"]
    return encode(with_model(fields, model))


def in_order(scores: Sequence[float], top_n: int | None) -> list[Result]:
    """Return the best `top_n` of documents with these `scores`; of two with the same score the first."""
    best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    return [Result(place, scores[place]) for place in best[:top_n]]


class _Usage(msgspec.Struct, frozen=True):
    total_tokens: int | None = None
    prompt_tokens: int | None = None


class _Units(msgspec.Struct, frozen=True):
    search_units: float | None = None
    input_tokens: float | None = None


class _Meta(msgspec.Struct, frozen=True):
    billed_units: _Units | None = None
    tokens: _Units | None = None
    warnings: list[str] | None = None


class _Answer(msgspec.Struct, frozen=True):
    results: list[Result]
    usage: _Usage | None = None
    meta: _Meta | None = None


_ANSWER = _Decoder(_Answer)


def read_ranked(model: Model, data: bytes, asked: Asked) -> Ranked:
    """Return what an upstream answered, in our own order: it may be sorted in another way, or not at all.

    Raises:
        BadAnswer: it is no ranking of the documents of `asked`.
    """
    try:
        answer = _ANSWER.decode(data)
    except UNDECODABLE as error:
        raise BadAnswer(f"{model.name} did not answer with a ranking: {error}", hint=_WRONG_HINT) from error
    places = [one.index for one in answer.results]
    if (
        not places
        or len(set(places)) < len(places)
        or not all(0 <= at < len(asked.documents) for at in places)
    ):
        told = (
            f"{model.name} ranked {len(places):,} documents that are not the {len(asked.documents):,} it got"
        )
        raise BadAnswer(told, hint=_WRONG_HINT)
    if not all(isfinite(one.relevance_score) for one in answer.results):
        raise BadAnswer(f"{model.name} gave a score that is no number", hint=_WRONG_HINT)
    results = sorted(answer.results, key=lambda one: (-one.relevance_score, one.index))[: asked.top_n]
    meta = answer.meta or _Meta()
    return Ranked(
        results=results,
        tokens=_tokens(answer),
        search_units=meta.billed_units.search_units if meta.billed_units else None,
        warnings=meta.warnings or [],
    )


_WRONG_HINT = "Check `base_url:` of the model: it must be a server whose /v1/rerank speaks as Cohere's does."


def _tokens(answer: _Answer) -> int | None:
    """Return the tokens that an upstream counted, wherever it says so."""
    usage, meta = answer.usage or _Usage(), answer.meta or _Meta()
    units = [one.input_tokens for one in (meta.tokens, meta.billed_units) if one]
    told = (usage.total_tokens, usage.prompt_tokens, *units)
    return next((max(0, int(one)) for one in told if one is not None), None)


def seen_in(model: Model, ranked: Ranked) -> Seen:
    """Return what a trace and a bill are to know of a ranking: nothing was written, so nothing is counted."""
    usage = None if ranked.tokens is None else Usage(input=ranked.tokens)
    finished = Finished(reason="stop", usage=usage, model=model.id or model.name)
    return Seen(has_content=True, text=encode(ranked).decode(), finished=finished)
