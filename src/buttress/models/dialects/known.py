"""The dialects of clients by their names."""

from collections.abc import Callable

from buttress.kernel.messages import ModelRequest
from buttress.models.dialects.chat import request_in as chat
from buttress.models.dialects.messages import request_in as messages
from buttress.models.dialects.responses import request_in as responses
from buttress.models.dialects.types import Body, DialectName
from buttress.models.errors import WrongKind


def _no_reranker(body: Body) -> ModelRequest:
    raise WrongKind(f"{body.model[:200]} re-ranks no documents")


def _no_embedder(body: Body) -> ModelRequest:
    raise WrongKind(f"{body.model[:200]} embeds no texts")


_READ: dict[DialectName, Callable[[Body], ModelRequest]] = {
    "chat": chat.read_request,
    "messages": messages.read_request,
    "responses": responses.read_request,
    "rerank": _no_reranker,
    "embeddings": _no_embedder,
}


def read_request(body: Body) -> ModelRequest:
    """Return a client's request in our words.

    Raises:
        RequestInvalid: it is none in its dialect.
        Untranslatable: it asks for what another dialect has no word for.
        WrongKind: it asks for documents to be re-ranked, or for vectors.
    """
    return _READ[body.dialect](body)
