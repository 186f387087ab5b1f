"""One real call to a model of models.yaml, to see whether it answers, how soon, and for how much."""

from contextlib import aclosing
from typing import Literal

import msgspec

from buttress.app.buttress import Buttress
from buttress.app.declared import Declared
from buttress.gateway.relay import Relay, Wanted
from buttress.kernel.catalogue import Catalogue, Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.declaration import EMBEDDERS, RERANKERS
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.dialects.embeddings import read_body as read_embedding
from buttress.models.dialects.rerank import read_body as read_reranking
from buttress.models.dialects.types import Body
from buttress.settings.loading import Loaded

MAX_TOKENS = 16
"""How long an answer may be; what a model thinks counts, too."""

PROMPT = "Say hello in one word."

Outcome = Literal["ok", "failed", "not_asked"]
"""How it went; `not_asked`: the provider quotes documents, and has nobody to call."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What one call came to. `usage` and `cost_nanodollars` None: unknown, which is not 0.

    `first_token_ms` None: nothing came. `error` is that of `ButtressError.as_dict`.
    """

    model: str
    outcome: Outcome
    first_token_ms: float | None = None
    duration_ms: float | None = None
    usage: Usage | None = None
    cost_nanodollars: NanoDollars | None = None
    error: dict[str, object] | None = None


def asking_once(loaded: Loaded) -> Loaded:
    """Return `loaded` with one attempt at a model: what was asked again would hide what failed."""
    models = msgspec.structs.replace(loaded.tree.models, attempts_per_rung=1, rest_wait_cap_s=0.0)
    return msgspec.structs.replace(loaded, tree=msgspec.structs.replace(loaded.tree, models=models))


def models_only(catalogue: Catalogue) -> Declared:
    """Return a project that has `catalogue` and nothing else: mistakes in features are no matter here."""
    return Declared(fingerprint="", catalogue=catalogue, knowledge={}, releases={})


async def try_model(buttress: Buttress, name: str) -> Tried:
    """Ask the model `name` to say hello, the way every call to it goes, and return what that came to.

    One that re-ranks gets two texts to do so, one that embeds a word.
    """
    if buttress.catalogue.models[name].provider == "extractive":
        return Tried(model=name, outcome="not_asked")
    relay = buttress.relay(Wanted(body=_body(buttress.catalogue.models[name]), caching="skip"))
    try:
        async with aclosing(relay.pieces()) as pieces:
            async for _ in pieces:
                pass
    except ButtressError as error:
        return _tried(name, relay, error)
    return _tried(name, relay, None)


def _body(model: Model) -> Body:
    if model.provider in RERANKERS:
        asked = {"model": model.name, "query": PROMPT, "documents": [PROMPT, "Hello!"]}
        return read_reranking(msgspec.json.encode(asked))
    if model.provider in EMBEDDERS:
        return read_embedding(msgspec.json.encode({"model": model.name, "input": "Hello"}))
    messages = [{"role": "user", "content": PROMPT}]
    return read_body(
        msgspec.json.encode(
            {"model": model.name, "messages": messages, "max_tokens": MAX_TOKENS, "stream": True}
        )
    )


def _tried(name: str, relay: Relay, error: ButtressError | None) -> Tried:
    last = relay.attempts[-1] if relay.attempts else None
    return Tried(
        model=name,
        outcome="failed" if error else "ok",
        first_token_ms=last.first_token_ms if last else None,
        duration_ms=relay.duration_ms,
        usage=last.usage if last else None,
        cost_nanodollars=relay.sums.cost,
        error=error.as_dict() if error else None,
    )
