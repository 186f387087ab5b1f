"""Embeddings in OpenAI's words."""

import base64
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.usage import Usage
from buttress.models.dialects.embeddings import (
    Asked,
    Vectors,
    pass_on,
    read_answer,
    read_asked,
    read_body,
)
from buttress.models.errors import BadAnswer, RequestInvalid

MODEL = Model(name="vectors", provider="embeddings", id="text-embedding-3-small")
TWO = Asked(count=2, tokens=None)


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def answer(*vectors: object, **more: object) -> bytes:
    data = [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(vectors)]
    return msgspec.json.encode({"object": "list", "data": data, "model": "m", **more})


@pytest.mark.parametrize(
    ("given_", "asked"),
    [
        pytest.param("a", Asked(count=1, tokens=None), id="a text"),
        pytest.param(["a", "b"], TWO, id="texts"),
        pytest.param([5, 6, 7], Asked(count=1, tokens=3), id="the tokens of one"),
        pytest.param([[5, 6], [7]], Asked(count=2, tokens=3), id="the tokens of two"),
        pytest.param(["a", [7]], TWO, id="both"),
    ],
)
def test_how_much_is_asked_for(given_: object, asked: Asked) -> None:
    body = read_body(msgspec.json.encode({"model": "m", "input": given_, "user": "ada"}))
    assert (body.dialect, body.model, body.user, body.is_stream) == ("embeddings", "m", "ada", False)
    assert read_asked(body) == asked


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"[]", "no JSON object", id="a list"),
        pytest.param(b"\xff", "no JSON object", id="no text"),
        pytest.param(b"[" * 100_000, "no JSON object|nested too deeply", id="deep"),
        pytest.param(b'{"input": "a"}', "model: missing", id="no model"),
        pytest.param(b'{"model": "m"}', "input: missing", id="no input"),
        pytest.param(b'{"model": "m", "input": []}', "input: missing, or empty", id="nothing to embed"),
        pytest.param(b'{"model": "m", "input": 7}', "input: Expected", id="a number"),
        pytest.param(b'{"model": "m", "input": [1.5]}', "input.*: Expected", id="half a token"),
        pytest.param(b'{"model": "m", "input": "a", "user": 7}', "user: Expected", id="a wrong user"),
    ],
)
def test_what_is_no_request(data: bytes, told: str) -> None:
    with pytest.raises(RequestInvalid, match=told):
        read_body(data)


@given(
    st.dictionaries(
        st.text(max_size=9).filter(lambda one: one not in ("model", "input", "user")),
        st.none() | st.integers(-9, 9) | st.text(max_size=9) | st.lists(st.booleans(), max_size=3),
        max_size=4,
    ),
    st.text(max_size=9) | st.lists(st.text(max_size=9), max_size=4) | st.lists(st.integers(0, 9), max_size=4),
)
def test_every_field_goes_on_as_it_came(fields: dict[str, object], given_: str | list[object]) -> None:
    sent = fields | {"model": "mine", "input": given_ or "a"}
    passed = msgspec.json.decode(pass_on(MODEL, read_body(msgspec.json.encode(sent))))
    assert passed == sent | {"model": "text-embedding-3-small"}


@pytest.mark.parametrize(
    ("data", "length"),
    [
        pytest.param(answer([0.5, -1e-9, 3], [0, 1, 2]), 3, id="numbers"),
        pytest.param(answer(packed(0.5, 1), packed(1, 2)), 2, id="base64"),
        pytest.param(
            b'{"data": [{"index": 1, "embedding": [ 1 ]}, {"index": 0, "embedding": [2]}]}',
            1,
            id="out of order",
        ),
    ],
)
def test_of_an_answer_the_number_and_the_length_are_kept(data: bytes, length: int) -> None:
    seen = read_answer(MODEL, data, TWO)
    assert msgspec.json.decode(seen.text, type=Vectors) == Vectors(2, length)
    assert (seen.has_content, seen.characters) == (True, 0)


@pytest.mark.parametrize(
    ("usage", "tokens", "expected"),
    [
        pytest.param({"prompt_tokens": 9, "total_tokens": 9}, None, Usage(input=9), id="OpenAI"),
        pytest.param({"total_tokens": 9}, None, Usage(input=9), id="the total alone"),
        pytest.param({"prompt_tokens": -1}, None, Usage(), id="less than nothing is nothing"),
        pytest.param({"prompt_tokens": 9}, 3, Usage(input=9), id="what the upstream counts holds"),
        pytest.param(None, 3, Usage(input=3), id="tokens were sent"),
        pytest.param(None, None, None, id="nobody knows"),
    ],
)
def test_what_was_used(usage: object, tokens: int | None, expected: Usage | None) -> None:
    finished = read_answer(MODEL, answer([1], usage=usage), Asked(count=1, tokens=tokens)).finished
    assert finished is not None
    assert (finished.usage, finished.model) == (expected, "text-embedding-3-small")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b'{"error": {"message": "no"}}', id="an error"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(answer([1]), id="too few"),
        pytest.param(answer([1], [2], [3]), id="too many"),
        pytest.param(
            b'{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}', id="one twice"
        ),
        pytest.param(answer([1], [1, 2]), id="of different lengths"),
        pytest.param(answer([], []), id="empty ones"),
        pytest.param(answer("", ""), id="empty ones in base64"),
        pytest.param(answer(["a"], ["b"]), id="texts in it"),
        pytest.param(answer([None], [True]), id="nothing in it"),
        pytest.param(answer([[1]], [[2]]), id="vectors of vectors"),
        pytest.param(answer({"a": 1}, {"a": 1}), id="objects"),
        pytest.param(answer("no base64!", "no base64!"), id="another encoding"),
        pytest.param(answer("ümlaut", "ümlaut"), id="not even of letters"),
        pytest.param(answer(None, None), id="null"),
        pytest.param(answer([1], [2], usage=7), id="a wrong usage"),
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer, match=r"vectors gave|vectors did not answer"):
        read_answer(MODEL, data, TWO)


@given(
    st.integers(1, 5).flatmap(
        lambda size: st.lists(
            st.lists(
                st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=size, max_size=size
            ),
            min_size=1,
            max_size=4,
        )
    ),
    st.booleans(),
)
def test_whatever_the_numbers_are_they_are_counted(vectors: list[list[float]], is_packed: bool) -> None:  # noqa: FBT001 - hypothesis gives it by its place
    data = answer(*([packed(*one) for one in vectors] if is_packed else vectors))
    seen = read_answer(MODEL, data, Asked(count=len(vectors), tokens=None))
    assert msgspec.json.decode(seen.text, type=Vectors) == Vectors(len(vectors), len(vectors[0]))


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_a_bad_one(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_answer(MODEL, data, TWO)
