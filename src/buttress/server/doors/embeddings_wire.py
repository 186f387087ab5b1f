"""OpenAI's embeddings as facts: texts in, vectors out, as numbers or as base64. Pure."""

import base64
from array import array
from collections.abc import Sequence
from typing import Literal

import msgspec

from buttress.server.decoding import parsed
from buttress.server.errors import BodyInvalid, FieldUnsupported

MAX_INPUTS = 2_048
_HINT = 'Send {"model": "...", "input": ["text", ...]}.'


class EmbeddingRequest(msgspec.Struct, frozen=True):
    """What is read of a request to the project's own model; an upstream gets all other fields, too."""

    model: str
    input: str | list[str | int | list[int]]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None
    user: str | None = None


def read_request(body: bytes) -> EmbeddingRequest:
    """Return the request in `body`.

    Raises:
        BodyInvalid: it is not a request for embeddings; names the field.
    """
    return parsed(body, EmbeddingRequest, hint=_HINT)


def texts_of(request: EmbeddingRequest) -> list[str]:
    """Return the texts to embed, 1 to 2,048.

    Raises:
        BodyInvalid: there are none, too many, or an empty one.
        FieldUnsupported: tokens instead of texts: they are of another model's vocabulary.
    """
    given = [request.input] if isinstance(request.input, str) else request.input
    texts = [one for one in given if isinstance(one, str)]
    if len(texts) < len(given):
        raise FieldUnsupported("`input` holds tokens, not texts", data={"param": "input"})
    if not 1 <= len(texts) <= MAX_INPUTS or not all(texts):
        message = f"`input` holds {len(texts):,} texts; 1 to {MAX_INPUTS:,} are taken, none of them empty"
        raise BodyInvalid(message, hint=_HINT, data={"param": "input"})
    return texts


def require_dimensions(request: EmbeddingRequest, dimensions: int) -> None:
    """Accept a request for vectors as long as they are here, or for none in particular.

    Raises:
        FieldUnsupported: it asks for longer or shorter ones.
    """
    if request.dimensions not in (None, dimensions):
        message = f"{request.model} gives vectors of {dimensions} numbers, not of {request.dimensions}"
        raise FieldUnsupported(message, data={"param": "dimensions"})


def answer_of(
    request: EmbeddingRequest, vectors: Sequence[Sequence[float]], tokens: int
) -> dict[str, object]:
    """Return the answer: each vector in the encoding asked for, `float` where none was.

    base64 holds little-endian 32-bit floats, as the official client reads them.
    """
    encode = _base64 if request.encoding_format == "base64" else list
    data = [
        {"object": "embedding", "index": at, "embedding": encode(vector)} for at, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": request.model, "usage": usage}


def _base64(vector: Sequence[float]) -> str:
    floats = array("f", vector)
    if _IS_BIG_ENDIAN:
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()


_IS_BIG_ENDIAN = array("H", [1]).tobytes() == b"\x00\x01"
