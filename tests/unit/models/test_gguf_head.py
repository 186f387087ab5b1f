"""The head of a GGUF file, as it should be and damaged in every way."""

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.models.gguf_head import Vocabulary, read_vocabulary


def text(value: str) -> bytes:
    """Return a text as it stands in a file."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def texts(values: list[str]) -> bytes:
    """Return a list of texts as it stands in a file, with its kind."""
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))


def gguf(entries: Mapping[str, bytes]) -> bytes:
    """Return the head of a file with `entries`, each its kind and its value."""
    body = b"".join(text(name) + value for name, value in entries.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + body


ENTRIES = {
    "general.name": struct.pack("<I", 8) + text("small"),
    "general.size": struct.pack("<IQ", 10, 7),
    "tokenizer.ggml.model": struct.pack("<I", 8) + text("gpt2"),
    "tokenizer.ggml.pre": struct.pack("<I", 8) + text("smollm"),
    "tokenizer.ggml.token_type": struct.pack("<IIQ", 9, 5, 2) + struct.pack("<ii", 1, 3),
    "tokenizer.ggml.tokens": texts(["a", "Ġb"]),
    "tokenizer.ggml.merges": texts(["Ġ b"]),
    "tokenizer.ggml.add_bos_token": struct.pack("<IB", 7, 1),
}


def test_the_tokenizer_is_found_among_all_kinds_of_entries(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(ENTRIES) + b"tensors")
    expected = Vocabulary(model="gpt2", pre="smollm", tokens=["a", "Ġb"], merges=["Ġ b"])
    assert read_vocabulary(path) == expected


def test_a_file_that_says_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf({}))
    assert read_vocabulary(path) == Vocabulary(model="", pre="", tokens=[], merges=[])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GGUF", id="only the magic"),
        pytest.param(gguf(ENTRIES)[:200], id="cut"),
        pytest.param(gguf({"x": struct.pack("<I", 99)}), id="a kind that there is not"),
        pytest.param(gguf({"x": struct.pack("<IIQ", 9, 8, 2**60)}), id="a list longer than the file"),
        pytest.param(gguf({"x": struct.pack("<IQ", 8, 2**63)}), id="a text longer than the file"),
        pytest.param(gguf({"tokenizer.ggml.tokens": struct.pack("<I", 8) + text("a")}), id="another kind"),
    ],
)
def test_a_damaged_one_is_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    assert read_vocabulary(path) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, len(gguf(ENTRIES)) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(tmp_path: Path, at: int, byte: int) -> None:
    data = bytearray(gguf(ENTRIES))
    data[at] = byte
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    assert isinstance(read_vocabulary(path), Vocabulary | None)
