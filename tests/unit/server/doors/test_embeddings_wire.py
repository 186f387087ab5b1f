"""OpenAI's embeddings, read and written."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.server.doors.embeddings_wire import (
    MAX_INPUTS,
    answer_of,
    read_request,
    require_dimensions,
    texts_of,
)
from buttress.server.errors import BodyInvalid, FieldUnsupported


@pytest.mark.parametrize(
    ("given_", "texts"),
    [
        pytest.param(b'"one"', ["one"], id="a text"),
        pytest.param(b'["one", "two"]', ["one", "two"], id="texts"),
    ],
)
def test_texts(given_: bytes, texts: list[str]) -> None:
    assert texts_of(read_request(b'{"model": "m", "input": %b}' % given_)) == texts


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        pytest.param(b"[1, 2]", FieldUnsupported, id="tokens"),
        pytest.param(b"[[1], [2]]", FieldUnsupported, id="lists of tokens"),
        pytest.param(b"[]", BodyInvalid, id="nothing"),
        pytest.param(b'""', BodyInvalid, id="an empty text"),
        pytest.param(b'["a", ""]', BodyInvalid, id="an empty one among others"),
        pytest.param(b"7", BodyInvalid, id="a number"),
        pytest.param(b"[" + b'"a",' * MAX_INPUTS + b'"a"]', BodyInvalid, id="too many"),
    ],
)
def test_what_is_not_taken(given_: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        texts_of(read_request(b'{"model": "m", "input": %b}' % given_))


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(FieldUnsupported, match=r"vectors of 384 numbers, not of 64") as caught:
        require_dimensions(read_request(b'{"model": "m", "input": "a", "dimensions": 64}'), 384)
    assert caught.value.data == {"param": "dimensions"}
    require_dimensions(read_request(b'{"model": "m", "input": "a", "dimensions": 384}'), 384)
    require_dimensions(read_request(b'{"model": "m", "input": "a"}'), 384)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8))
def test_both_encodings_hold_the_same_numbers(vector: list[float]) -> None:
    plain = answer_of(read_request(b'{"model": "m", "input": "a"}'), [vector], 3)
    packed = answer_of(
        read_request(b'{"model": "m", "input": "a", "encoding_format": "base64"}'), [vector], 3
    )
    assert plain["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert str(plain["data"]).count("embedding") == 2
    data = base64.b64decode(str(packed["data"]).split("'embedding': '")[1].split("'")[0])
    assert list(struct.unpack(f"<{len(vector)}f", data)) == vector
