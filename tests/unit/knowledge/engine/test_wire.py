"""What goes over the wire comes out the same."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.scope import Scope
from buttress.knowledge.engine.wire import (
    Address,
    Failure,
    FrameTooLarge,
    FromCaller,
    Hello,
    error_of,
    failure_of,
    frame,
    read_address,
    read_frame,
    write_address,
)
from buttress.knowledge.errors import ENGINE_ERRORS, EngineAway, EngineFailed, NotIngested
from buttress.knowledge.search_types import Query


def reader_of(data: bytes) -> asyncio.StreamReader:
    """Return a connection on which `data` came, and nothing more will."""
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_frames_come_one_after_the_other() -> None:
    reader = reader_of(frame(Hello("a")) + frame(Hello("b")))
    tokens = [msgspec.msgpack.decode(await read_frame(reader, 100), type=FromCaller) for _ in range(2)]
    assert tokens == [Hello("a"), Hello("b")]
    with pytest.raises(asyncio.IncompleteReadError):
        await read_frame(reader, 100)


async def test_a_frame_too_large_is_not_read() -> None:
    with pytest.raises(FrameTooLarge, match="101 bytes"):
        await read_frame(reader_of((101).to_bytes(4, "big")), 100)


async def test_a_frame_cut_short_is_no_frame() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await read_frame(reader_of(frame(Hello("abc"))[:-1]), 100)


@given(
    st.text(alphabet=st.characters(codec="utf-8")),
    st.frozensets(st.text(alphabet=st.characters(codec="utf-8"))),
)
def test_a_query_comes_out_as_it_went_in(text: str, principals: frozenset[str]) -> None:
    """With its scope: there is no way to send one without."""
    query = Query(knowledge="k", text=text, scope=Scope(text, principals), limit=3)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(query), type=Query) == query
    without = {"knowledge": "k", "text": text}
    with pytest.raises(msgspec.ValidationError, match="scope"):
        msgspec.msgpack.decode(msgspec.msgpack.encode(without), type=Query)


@pytest.mark.parametrize("kind", ENGINE_ERRORS.values(), ids=ENGINE_ERRORS)
def test_errors_arrive_as_themselves(kind: type[NotIngested]) -> None:
    error = error_of(failure_of(kind("what happened", hint="do this", data={"n": 1}), 3))
    assert type(error) is kind
    assert (error.message, error.hint, error.data) == ("what happened", "do this", {"n": 1})


def test_an_error_nobody_knows_keeps_its_name() -> None:
    error = error_of(Failure(id=1, code="storage.busy", message="full", hint="wait"))
    assert isinstance(error, EngineFailed)
    assert "storage.busy: full" in error.message


def test_a_run_file_is_replaced_whole(tmp_path: Path) -> None:
    """A draft that a killed engine left behind is no hindrance."""
    path = tmp_path / "run" / "engine.json"
    for port in (1, 2):
        address = Address(host="127.0.0.1", port=port, token="t" * 40, pid=7)
        write_address(path, address)
        assert read_address(path) == address
        (path.parent / "engine.json.7").write_text("half")
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}'])
def test_what_is_no_run_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "engine.json"
    path.write_text(text)
    with pytest.raises(EngineAway, match=r"engine\.json"):
        read_address(path)
