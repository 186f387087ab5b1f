"""Embeddings as OpenAI, vLLM, TEI, Mistral and Jina speak them: one request, one answer, no stream. Pure.

A request goes on as it came, with the model's name put in, and an answer goes back byte for byte. It is read
only to see that it is one vector, of the same length, for each thing that was sent; no vector is kept.
"""

from binascii import Error as NoBase64
from binascii import a2b_base64

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.messages import Finished
from buttress.kernel.usage import Usage
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.fields import field, model_in, read_fields, with_model
from buttress.models.dialects.types import Body, Seen
from buttress.models.errors import BadAnswer, RequestInvalid

HINT = 'Send {"model": "NAME", "input": ["text", ...]}.'
_WRONG_HINT = "Check `base_url:` of the model: its /embeddings must answer as OpenAI's does."
_FLOAT_BYTES = 4
_OF_NUMBERS = b"0123456789+-.eE, \t\r\n"

_Decoder = msgspec.json.Decoder
_TEXT = _Decoder(str)
_INPUT = _Decoder(str | list[str | int | list[int]])


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request holds: `count` things to embed, of so many `tokens` where it says them; None: texts."""

    count: int
    tokens: int | None


class Vectors(msgspec.Struct, frozen=True):
    """What a trace keeps of an answer: so many vectors of so many numbers each.

    Of vectors in base64 the numbers are taken to be 32-bit floats.
    """

    vectors: int
    length: int


def read_body(data: bytes) -> Body:
    """Return the fields of a request, each as it came.

    Raises:
        RequestInvalid: it is no JSON object, or names no model or nothing to embed; names the field.
    """
    fields = read_fields(data, HINT)
    model = model_in(fields, HINT)
    user = field(fields, "user", _TEXT)
    body = Body(dialect="embeddings", model=model, fields=fields, user=user, size_bytes=len(data))
    read_asked(body)
    return body


def read_asked(body: Body) -> Asked:
    """Return how much a request wants to have embedded.

    Raises:
        RequestInvalid: nothing, or what is neither text nor tokens.
    """
    given = field(body.fields, "input", _INPUT)
    if not given:
        raise RequestInvalid("input: missing, or empty", hint=HINT, data={"param": "input"})
    if isinstance(given, str):
        return Asked(count=1, tokens=None)
    if all(isinstance(one, int) for one in given):
        return Asked(count=1, tokens=len(given))
    lists = [one for one in given if isinstance(one, list)]
    return Asked(count=len(given), tokens=sum(map(len, lists)) if len(lists) == len(given) else None)


def pass_on(model: Model, body: Body) -> bytes:
    """Return a client's request as it goes to an upstream: as it came, with the model's name put in."""
    return encode(with_model(body.fields, model))


class _Vector(msgspec.Struct, frozen=True):
    index: int
    embedding: msgspec.Raw


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Vector]
    usage: _Usage | None = None


_ANSWER = _Decoder(_Answer)


def read_answer(model: Model, data: bytes, asked: Asked) -> Seen:
    """Return what a trace and a bill are to know of an answer: how many vectors, how long, how many tokens.

    Where the upstream does not count, tokens that were sent as such are known; those of texts are not.

    Raises:
        BadAnswer: it is not one vector for each thing of `asked`, all of the same length.
    """
    try:
        answer = _ANSWER.decode(data)
    except UNDECODABLE as error:
        raise BadAnswer(f"{model.name} did not answer with vectors: {error}", hint=_WRONG_HINT) from error
    if sorted(one.index for one in answer.data) != list(range(asked.count)):
        told = (
            f"{model.name} gave {len(answer.data):,} vectors that are not those of the {asked.count:,} texts"
        )
        raise BadAnswer(f"{told} it got", hint=_WRONG_HINT)
    lengths = {_length(bytes(one.embedding)) for one in answer.data}
    if len(lengths) != 1 or 0 in lengths:
        told = f"{model.name} gave vectors that are none, or not all of the same length"
        raise BadAnswer(told, hint=_WRONG_HINT)
    tokens = _tokens(answer.usage or _Usage(), asked)
    usage = None if tokens is None else Usage(input=tokens)
    finished = Finished(reason="stop", usage=usage, model=model.id or model.name)
    return Seen(
        has_content=True,
        text=encode(Vectors(len(answer.data), lengths.pop())).decode(),
        finished=finished,
    )


def _tokens(usage: _Usage, asked: Asked) -> int | None:
    told = usage.prompt_tokens if usage.prompt_tokens is not None else usage.total_tokens
    return asked.tokens if told is None else max(0, told)


def _length(vector: bytes) -> int:
    """Return how many numbers a vector has whose JSON is well-formed; 0 of what is none.

    Counted, not read: of an answer of a thousand vectors the numbers take thrice as long.
    """
    if vector.startswith(b"["):
        is_plain = vector.translate(None, _OF_NUMBERS) == b"[]"
        return vector.count(b",") + 1 if is_plain and vector[1:-1].strip() else 0
    try:
        return len(a2b_base64(_TEXT.decode(vector), strict_mode=True)) // _FLOAT_BYTES
    except (msgspec.MsgspecError, NoBase64, ValueError):
        return 0
