"""Ask each contestant for answers that go wrong; see what its client gets, and what it writes down.

    python benchmarks/dataplane/faults.py [NAME ...]        about 40 s each, for the stall takes 30

All faults of one contestant run beside each other, each contestant with its defaults. Prints a table for
each, writes artifacts/faults.json. Not a part of `make bench`.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click
import compare
import httptools
import msgspec
from contestants import KEY, ROOT, Contestant, Place, Running, alone, chosen, free_port, fresh, running
from judging import CANCELLED_S, Due, End, Heard, Judged, Record, Wanted, judge, judge_record, words_of
from rich.console import Console
from rich.table import Table
from upstream import PROMPT_TOKENS, WORDS, word

EXPECTED = "".join(word(number) for number in range(WORDS))
QUESTION = "Say what you know about kestrels."
LEAVE_AFTER = 5
PATIENCE_S = 45.0
RECORDED_S = 30.0
_NO_MORE: Mapping[str, str] = {}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: the model that has it, what its client should get, and what should be written down of it."""

    label: str
    model: str
    wanted: Wanted
    outcome: str
    attempts: Sequence[str]
    is_stream: bool = True

    def due(self, heard: Heard) -> Due:
        """Return what should be recorded, where `heard` came of it."""
        is_whole = self.wanted == "whole"
        return Due(
            outcome=self.outcome,
            attempts=self.attempts,
            input=PROMPT_TOKENS,
            output=WORDS if is_whole else words_of(heard),
            is_estimated=not is_whole,
        )


def _whole(label: str, model: str, *, is_stream: bool = True, tries: int = 2) -> Fault:
    attempts = (*("failed",) * (tries - 1), "answered")
    return Fault(
        label=label, model=model, wanted="whole", outcome="answered", attempts=attempts, is_stream=is_stream
    )


def _error(label: str, model: str) -> Fault:
    return Fault(label=label, model=model, wanted="error", outcome="failed", attempts=("cut",))


FAULTS = (
    _whole("429, Retry-After: 1", "fault-429"),
    _whole("the same, not streamed", "fault-429-whole", is_stream=False),
    _whole("500, then 200", "fault-500"),
    _whole("the same, not streamed", "fault-500-whole", is_stream=False),
    _error("cut after 40 of 60 chunks", "fault-cut"),
    _error("30 s stall after 40 chunks", "fault-stall"),
    _error("malformed chunk", "fault-malformed"),
    _error("ends without [DONE]", "fault-no-done"),
    _whole("slow drip, 7 bytes each", "fault-slow-drip", tries=1),
    Fault(
        label="client leaves after 5 chunks",
        model="drip-100",
        wanted="cancelled",
        outcome="cancelled",
        attempts=("cancelled",),
    ),
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one contestant made of one fault."""

    fault: str
    client: Judged
    seconds: float
    recorded: Judged


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one contestant made of all."""

    name: str
    rows: list[Row]


class Hearing:
    """An HTTP answer as it comes in."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body = bytearray()
        self.is_complete = False

    def on_body(self, data: bytes) -> None:
        """Keep what came."""
        self.body += data

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_complete = True

    async def listen(self, reader: asyncio.StreamReader, words: int | None) -> End:
        """Hear the answer, or `words` of it; return how it ended."""
        while not self.is_complete:
            try:
                data = await reader.read(65_536)
            except ConnectionError:
                return "cut"
            if not data:
                return "cut"
            self.parser.feed_data(data)
            if words is not None and self.body.count(b" w0") >= words:
                return "left"
        return "ended"


def _request(url: str, method: str, body: bytes = b"", headers: Mapping[str, str] = _NO_MORE) -> bytes:
    parts = urlsplit(url)
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"{method} {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {KEY}\r\n{more}"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


async def ask(url: str, request: bytes, words: int | None = None) -> Heard:
    """Send one request; return what came of it. With `words` the connection is broken off after so many."""
    parts, began, hearing = urlsplit(url), time.perf_counter(), Hearing()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    end: End = "silent"
    try:
        writer.write(request)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                end = await hearing.listen(reader, words)
    finally:
        writer.transport.abort()
    status = hearing.parser.get_status_code()
    seconds = time.perf_counter() - began
    return Heard(status=status, body=bytes(hearing.body), end=end, seconds=seconds)


async def suffer(fault: Fault, at: Running, base: str) -> Heard:
    """Ask for one fault; return what came of it."""
    asked: dict[str, object] = {
        "model": at.name_of(fault.model),
        "messages": [{"role": "user", "content": QUESTION}],
    }
    if fault.is_stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    request = _request(at.url, "POST", msgspec.json.encode(asked), at.headers)
    if fault.wanted != "cancelled":
        return await ask(at.url, request)
    heard = await ask(at.url, request, LEAVE_AFTER)
    return msgspec.structs.replace(heard, cancelled_s=await _cancelled_s(base, fault.model))


async def _cancelled_s(base: str, model: str) -> float | None:
    """Return the seconds until the upstream of `model` was left, None where it was not."""
    url = f"{base.removesuffix('/v1')}/count/{model}"
    began = time.perf_counter()
    while time.perf_counter() - began < 2 * CANCELLED_S:
        told = await ask(url, _request(url, "GET"))
        if msgspec.json.decode(told.body, type=dict[str, int])["hung_up"]:
            return time.perf_counter() - began
        await asyncio.sleep(0.01)
    return None


def traces(folder: Path) -> dict[str, Record]:
    """Return what Buttress recorded of each model, once nothing is missing or under way."""
    command = [sys.executable, "-m", "buttress", "--project", str(folder), "trace", "list"]
    found: dict[str, Record] = {}
    until = time.perf_counter() + RECORDED_S
    while time.perf_counter() < until:
        told = subprocess.run([*command, "--limit", "100", "--json"], check=True, capture_output=True)  # noqa: S603
        found = {one.feature: one for one in msgspec.json.decode(told.stdout, type=list[Record])}
        if all(fault.model in found and found[fault.model].outcome != "lost" for fault in FAULTS):
            break
        time.sleep(0.5)
    return found


BOOKS: dict[str, Callable[[Path], Mapping[str, Record]]] = {"buttress": traces}
"""How records are read, of those whose can be; LiteLLM and TensorZero want a database for theirs,
Portkey keeps none."""


async def _all(at: Running, base: str) -> list[Heard]:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(suffer(fault, at, base)) for fault in FAULTS]
    return [one.result() for one in asked]


def measure(contestant: Contestant, base: str) -> Result:
    """Put one contestant through all faults."""
    models = ("fake", *(fault.model for fault in FAULTS))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Place(upstream=base, port=free_port(), folder=fresh(Path(folder) / "run"), models=models)
        with running(contestant, place) as at:
            heard = asyncio.run(_all(at, base))
            read = BOOKS.get(contestant.name)
            books = read(place.folder) if read else {}
    rows = [
        Row(
            fault=fault.label,
            client=judge(fault.wanted, one, EXPECTED),
            seconds=round(one.seconds, 2),
            recorded=judge_record(fault.due(one), books.get(fault.model)),
        )
        for fault, one in zip(FAULTS, heard, strict=True)
    ]
    return Result(name=contestant.name, rows=rows)


def table(result: Result) -> Table:
    """Return what one contestant made of each fault."""
    told = Table("", "for its client", "s", "in its books", title=result.name, title_justify="left")
    for row in result.rows:
        cells = (f"{one.verdict}: {one.seen}" for one in (row.client, row.recorded))
        client, recorded = (cell.removeprefix("no record: ") for cell in cells)
        told.add_row(row.fault, client, f"{row.seconds:.1f}", recorded)
    return told


@click.command()
@click.argument("names", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "artifacts" / "faults.json")
def main(names: tuple[str, ...], out: Path) -> None:
    """Put NAMES through all faults, all who are there without one."""
    results: list[Result] = []
    for contestant in chosen(names):
        if contestant.is_exposed:
            results += msgspec.json.decode(alone(__file__, contestant), type=list[Result])
            continue
        with compare.upstream() as base:
            results.append(measure(contestant, base))
        Console().print(table(results[-1]))
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


if __name__ == "__main__":
    main()
