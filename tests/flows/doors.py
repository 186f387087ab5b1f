"""The doors for models as a bare client sees them: a request, whole or streamed, and what came back."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec
import psutil

from buttress.app.layout import spool_folder
from buttress.storage.spool import read_records
from buttress.tracing.types import Trace
from tests.flows.running import Served
from tests.unit.tracing.test_metrics import values

Door = Literal["chat", "messages", "responses"]

PATHS: Mapping[Door, str] = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}
PATIENCE = aiohttp.ClientTimeout(total=30)
WAYS: tuple[tuple[Door, bool], ...] = tuple((door, stream) for door in PATHS for stream in (False, True))
"""Every door, whole and streamed."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a client got: `error` is empty where all went well, `text` what it was told until then."""

    door: Door
    wants_stream: bool
    is_streamed: bool
    status: int
    body: str
    text: str
    error: dict[str, object]

    @property
    def code(self) -> str:
        """The code of the error; empty without one."""
        return str(self.error.get("code", ""))


def request_of(door: Door, model: str, *, stream: bool, question: str = "Hi?") -> dict[str, object]:
    """Return the smallest request to `model`."""
    said = [{"role": "user", "content": question}]
    asked: dict[Door, dict[str, object]] = {
        "chat": {"messages": said},
        "messages": {"max_tokens": 50, "messages": said},
        "responses": {"input": question},
    }
    return {"model": model, **asked[door], "stream": stream}


async def heard(url: str, door: Door, body: dict[str, object]) -> Heard:
    """Ask on a connection of its own, and hear the answer to its end."""
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        return await _heard(session, url, door, body)


async def heard_by_all(url: str, model: str, question: str) -> list[Heard]:
    """Ask at every door, whole and streamed, all at once."""
    async with aiohttp.ClientSession(timeout=PATIENCE) as session, asyncio.TaskGroup() as group:
        asked = [
            group.create_task(
                _heard(session, url, door, request_of(door, model, stream=stream, question=question))
            )
            for door, stream in WAYS
        ]
    return [one.result() for one in asked]


async def _heard(session: aiohttp.ClientSession, url: str, door: Door, body: dict[str, object]) -> Heard:
    async with session.post(url + PATHS[door], json=body) as response:
        told = await response.text()
        is_streamed = response.content_type == "text/event-stream"
    wants_stream = body["stream"] is True
    assert is_streamed == (wants_stream and response.status == 200)
    return read(door, response.status, told, wants_stream=wants_stream)


def read(door: Door, status: int, body: str, *, wants_stream: bool) -> Heard:
    """Return what a body tells in the dialect of `door`, held to the shape of that dialect."""
    is_streamed = wants_stream and status == 200
    assert "Traceback" not in body
    if is_streamed:
        text, error = _streamed(door, body)
    elif status == 200:
        text, error = msgspec.json.decode(body, type=_Whole).text, {}
    else:
        text, error = "", error_of(door, msgspec.json.decode(body))
    return Heard(
        door=door,
        wants_stream=wants_stream,
        is_streamed=is_streamed,
        status=status,
        body=body,
        text=text,
        error=error,
    )


def error_of(door: Door, told: dict[str, object]) -> dict[str, object]:
    """Return the error that an object tells, held to the shape of the dialect: its keys, a code, a hint."""
    error = told["error"]
    assert isinstance(error, dict)
    assert {"type", "message", "param", "code", "hint"} <= error.keys()
    assert error["message"]
    assert error["hint"]
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", error["code"])
    assert error["code"] != "server.failed"
    if door == "messages":
        assert told["type"] == "error"
    return error


def _streamed(door: Door, body: str) -> tuple[str, dict[str, object]]:
    events = [event.split("data: ", 1)[1] for event in body.split("\n\n") if event]
    objects = [msgspec.json.decode(one, type=dict[str, object]) for one in events if one != "[DONE]"]
    text = "".join(_PIECES[door](one) for one in objects)
    failed = [one for one in objects if one.get("type") == "error" or ("error" in one and door == "chat")]
    has_end = _ENDS[door] in body
    assert has_end != bool(failed), f"a stream ends well or with an error, never both or neither: {body}"
    if not failed:
        return text, {}
    assert objects[-1] is failed[-1]
    return text, error_of(door, failed[-1])


_ENDS: Mapping[Door, str] = {
    "chat": "data: [DONE]",
    "messages": "event: message_stop",
    "responses": "event: response.completed",
}


class _Part(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Item(msgspec.Struct):
    content: list[_Part] = []


class _Whole(msgspec.Struct):
    """Whichever dialect it is in: the other fields are empty."""

    choices: list[_Choice] = []
    content: list[_Part] = []
    output: list[_Item] = []

    @property
    def text(self) -> str:
        """What was said."""
        parts = [*self.content, *(part for item in self.output for part in item.content)]
        return "".join([*(one.message.content for one in self.choices), *(part.text for part in parts)])


def _chat_piece(told: dict[str, object]) -> str:
    choices = msgspec.convert(told.get("choices", []), list[dict[str, object]])
    deltas = [msgspec.convert(one["delta"], dict[str, object]) for one in choices]
    return "".join(str(delta.get("content") or "") for delta in deltas)


def _messages_piece(told: dict[str, object]) -> str:
    delta = told.get("delta")
    return str(delta.get("text", "")) if isinstance(delta, dict) else ""


def _responses_piece(told: dict[str, object]) -> str:
    return str(told["delta"]) if told.get("type") == "response.output_text.delta" else ""


_PIECES = {"chat": _chat_piece, "messages": _messages_piece, "responses": _responses_piece}


def traces_of(project: Path, *parts: str) -> list[Trace]:
    """Return the traces that have all of `parts` in them, as they wait in the spool, by when they ended."""
    wanted = [part.encode() for part in parts]
    files = sorted(path for path in spool_folder(project).glob("*") if path.suffix in (".open", ".sealed"))
    records = [
        record for path in files for record in read_records(path) if all(part in record for part in wanted)
    ]
    return [msgspec.json.decode(one, type=Trace) for one in records]


class Load(msgspec.Struct, frozen=True):
    """What a worker holds: what grows from call to call is a leak."""

    tasks: int
    upstream_connections: int
    files: int
    running: int


async def load_of(served: Served) -> Load:
    """Return what the worker of `served` holds now."""
    async with (
        aiohttp.ClientSession(timeout=PATIENCE) as session,
        session.get(f"{served.url}/metrics", headers={"connection": "close"}) as response,
    ):
        found = values(await response.read())
    worker = psutil.Process(served.pid_of(WORKER))
    return Load(
        tasks=round(found["buttress_tasks", WORKER]),
        upstream_connections=round(found["buttress_upstream_connections", WORKER]),
        files=worker.num_fds(),
        running=round(found["buttress_calls_running", WORKER]),
    )


async def until_at_rest(served: Served, rest: Load, within_s: float = 15) -> Load:
    """Wait until the worker holds no more than `rest`, but for a few files; return what it holds.

    Files: its log, its spool and a kept connection to PostgreSQL come and go by themselves.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while not _is_at_rest(now := await load_of(served), rest):
        assert asyncio.get_running_loop().time() < deadline, f"it holds {now}, and held {rest}"
        await asyncio.sleep(0.02)
    return now


def _is_at_rest(now: Load, rest: Load) -> bool:
    return (
        now.running == 0
        and now.tasks <= rest.tasks
        and now.upstream_connections <= rest.upstream_connections
        and now.files <= rest.files + SPARE_FILES
    )


WORKER = "calls-1"
SPARE_FILES = 4


def rss_of(served: Served) -> int:
    """Return the bytes of memory that the worker of `served` has."""
    return int(psutil.Process(served.pid_of(WORKER)).memory_info().rss)
