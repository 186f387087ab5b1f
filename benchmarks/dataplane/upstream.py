"""A fast upstream of OpenAI's chat completions, well behaved or broken as the model's name says.

    python upstream.py            prints its port, then serves until it is ended

A name is `fake` (answers at once), `drip-MS` (a chunk each so many milliseconds), or one of `FAULTS`, with
`-whole` behind it where it is counted by itself. How often each was asked, and left in the middle of its
answer, is told at GET /count/NAME.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import cast

import httptools
import msgspec
import uvloop

WORDS = 60
PROMPT_TOKENS, FAULTY_TOKENS = 9, 40
WHOLE_USAGE = {
    "prompt_tokens": PROMPT_TOKENS,
    "completion_tokens": WORDS,
    "total_tokens": PROMPT_TOKENS + WORDS,
}
STALL_S = 30.0


class Asked(msgspec.Struct):
    """What is looked at of a request."""

    model: str
    stream: bool = False


def word(number: int) -> str:
    """Return the text of a chunk; each is one of a kind, so that losses and changes of order show."""
    return f" w{number:03}"


def chunk(number: int | None, finish: str | None = None) -> bytes:
    """Return the event of chunk `number`, or the last one."""
    delta = {} if number is None else {"content": word(number)}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return event({"choices": choices})


def event(more: dict[str, object]) -> bytes:
    """Return one event of a stream."""
    head = {"id": "chatcmpl-x", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    return b"data: %b\n\n" % msgspec.json.encode({**head, **more})


CHUNKS = [chunk(number) for number in range(WORDS)]
END = [chunk(None, "stop"), event({"choices": [], "usage": WHOLE_USAGE}), b"data: [DONE]\n\n"]
WHOLE = msgspec.json.encode(
    {
        "id": "chatcmpl-x",
        "object": "chat.completion",
        "created": 1,
        "model": "fake",
        "usage": WHOLE_USAGE,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "".join(word(number) for number in range(WORDS))},
            }
        ],
    }
)


def answer(status: str, body: bytes, extra: bytes = b"") -> bytes:
    """Return a whole HTTP answer of JSON."""
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
    return head % (status.encode(), extra, len(body)) + body


ANSWER = answer("200 OK", WHOLE)
ERROR = msgspec.json.encode(
    {"error": {"message": "scripted", "type": "server_error", "param": None, "code": None}}
)
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def framed(data: bytes) -> bytes:
    """Return `data` as a chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Served(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counter[str], hung_up: Counter[str]) -> None:
        self.counts = counts
        self.hung_up = hung_up
        self._tasks = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._url = b""
        self._running: asyncio.Task[None] | None = None
        self._model = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note who went away in the middle."""
        del exc
        if self._running and not self._running.done():
            self.hung_up[self._model] += 1
            self._running.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what came in."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Keep the path."""
        self._url = url
        self._body = []

    def on_body(self, data: bytes) -> None:
        """Keep the body."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Answer."""
        if self._url.startswith(b"/count/"):
            name = self._url.decode().rpartition("/")[2]
            told = {"asked": self.counts[name], "hung_up": self.hung_up[name]}
            self.transport.write(answer("200 OK", msgspec.json.encode(told)))
            return
        if not self._body:
            self.transport.write(answer("404 Not Found", ERROR))
            return
        asked = msgspec.json.decode(b"".join(self._body), type=Asked)
        self._model = asked.model
        self.counts[asked.model] += 1
        if asked.model == "fake" and not asked.stream:
            self.transport.write(ANSWER)
            return
        behave = FAULTS.get(asked.model.removesuffix("-whole"), _drip)
        self._running = self._tasks.create_task(behave(self, asked))

    def say(self, *events: bytes) -> None:
        """Send events of a stream."""
        if not self.transport.is_closing():
            self.transport.write(b"".join(framed(one) for one in events))

    def end(self) -> None:
        """End a stream as HTTP wants it."""
        if not self.transport.is_closing():
            self.transport.write(b"0\r\n\r\n")


async def _drip(served: Served, asked: Asked) -> None:
    delay_s = float(asked.model.partition("-")[2] or 0) / 1000
    served.transport.write(STREAM_HEAD)
    for one in CHUNKS:
        served.say(one)
        await asyncio.sleep(delay_s)
    served.say(*END)
    served.end()


async def _limited(served: Served, asked: Asked) -> None:
    if served.counts[asked.model] % 2:
        served.transport.write(answer("429 Too Many Requests", ERROR, b"retry-after: 1\r\n"))
    else:
        await _well(served, asked)


async def _broken_once(served: Served, asked: Asked) -> None:
    if served.counts[asked.model] % 2:
        served.transport.write(answer("500 Internal Server Error", ERROR))
    else:
        await _well(served, asked)


async def _well(served: Served, asked: Asked) -> None:
    if asked.stream:
        await _drip(served, Asked("drip-0", stream=True))
    else:
        served.transport.write(ANSWER)


async def _first(served: Served) -> None:
    served.transport.write(STREAM_HEAD)
    for one in CHUNKS[:FAULTY_TOKENS]:
        served.say(one)
        await asyncio.sleep(0.002)


async def _cut(served: Served, asked: Asked) -> None:
    del asked
    await _first(served)
    served.transport.abort()


async def _stall(served: Served, asked: Asked) -> None:
    del asked
    await _first(served)
    await asyncio.sleep(STALL_S)
    served.say(*CHUNKS[FAULTY_TOKENS:], *END)
    served.end()


async def _malformed(served: Served, asked: Asked) -> None:
    del asked
    await _first(served)
    broken, *rest = CHUNKS[FAULTY_TOKENS:]
    served.say(broken[: len(broken) // 2] + b"\n\n", *rest, *END)
    served.end()


async def _no_done(served: Served, asked: Asked) -> None:
    del asked
    await _first(served)
    served.end()


async def _slow(served: Served, asked: Asked) -> None:
    del asked
    served.transport.write(STREAM_HEAD)
    data = b"".join([*CHUNKS, *END])
    for at in range(0, len(data), 7):
        served.say(data[at : at + 7])
        if at % 70 == 0:
            await asyncio.sleep(0.001)
    served.end()


FAULTS: dict[str, Callable[[Served, Asked], Coroutine[object, object, None]]] = {
    "fault-429": _limited,
    "fault-500": _broken_once,
    "fault-cut": _cut,
    "fault-stall": _stall,
    "fault-malformed": _malformed,
    "fault-no-done": _no_done,
    "fault-slow-drip": _slow,
}


async def main() -> None:
    """Serve until ended."""
    connection = partial(Served, Counter(), Counter())
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
