"""A closed-loop load: so many connections, each asks again as soon as it was answered. Prints JSON.

python load.py URL MODEL CONNECTIONS SECONDS KEY [--stream] [--varied] [--rest=S] [--header=NAME: VALUE ...]

With `--varied` no two requests are the same. With `--rest` it ends so many seconds after its last answer.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop
from upstream import WORDS

WARM_UP_S = 1.0
NUMBER = b"--------"
"""What stands in a varied request where its number goes."""


class Figures(msgspec.Struct, kw_only=True):
    """What a load measured; times in milliseconds, of the requests after the warm-up.

    For streams `first_ms` is the time to the first word and `gap_ms` that between two; `wrong` counts answers
    that lost, repeated or re-ordered a word, and those that are no 200. `asked` counts the warm-up, too.
    """

    requests: int = 0
    asked: int = 0
    seconds: float = 0.0
    per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    first_p50_ms: float = 0.0
    first_p99_ms: float = 0.0
    gap_p99_ms: float = 0.0
    wrong: int = 0


class Measured:
    """Times as they come in, in seconds."""

    def __init__(self) -> None:
        self.whole: list[float] = []
        self.first: list[float] = []
        self.gaps: list[float] = []
        self.wrong = self.asked = 0
        self.first_number = secrets.randbelow(10**8 - 10**7)
        self.begun = 0.0

    def figures(self, seconds: float) -> Figures:
        """Return what was measured."""
        return Figures(
            requests=len(self.whole),
            asked=self.asked,
            seconds=seconds,
            per_s=round(len(self.whole) / seconds, 1),
            p50_ms=_at(self.whole, 0.5),
            p99_ms=_at(self.whole, 0.99),
            first_p50_ms=_at(self.first, 0.5),
            first_p99_ms=_at(self.first, 0.99),
            gap_p99_ms=_at(self.gaps, 0.99),
            wrong=self.wrong,
        )


def _at(times: list[float], share: float) -> float:
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3) if ordered else 0.0


class Asking(asyncio.Protocol):
    """One connection that asks again and again until `until`."""

    def __init__(self, request: bytes, measured: Measured, until: float, words: int) -> None:
        self._request = request
        self._measured = measured
        self._until = until
        self._words = words
        self._at = 0.0
        self._last = 0.0
        self._body: list[bytes] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that broke off as wrong."""
        del exc
        if not self.done.done():
            self._measured.wrong += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse what came in."""
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """Time the words of a stream."""
        self._body.append(data)
        if self._words and b'"content":" w' in data:
            now = time.perf_counter()
            if self._last:
                self._measured.gaps.append(now - self._last)
            else:
                self._measured.first.append(now - self._at)
            self._last = now

    def on_message_complete(self) -> None:
        """Note the answer; ask again."""
        now = time.perf_counter()
        if self._at >= self._measured.begun:
            self._measured.whole.append(now - self._at)
            self._measured.wrong += not self._is_right()
        if now < self._until:
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _is_right(self) -> bool:
        if self._parser.get_status_code() != 200:
            return False
        if not self._words:
            return True
        said = b"".join(self._body)
        places = [said.find(b" w%03d" % number) for number in range(self._words)]
        return places == sorted(places) and -1 not in places and b"[DONE]" in said

    def _ask(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body, self._last = [], 0.0
        self._measured.asked += 1
        self._at = time.perf_counter()
        number = self._measured.first_number + self._measured.asked
        self._transport.write(self._request.replace(NUMBER, b"%08d" % number))


async def load(
    url: str, model: str, connections: int, seconds: float, *, options: Sequence[str], headers: Sequence[str]
) -> Figures:
    """Return what so many connections measure in so many seconds, after a warm-up."""
    parts, is_stream = urlsplit(url), "--stream" in options
    question = "Say what you know about kestrels."
    if "--varied" in options:
        question += f" {NUMBER.decode()}"
    body = msgspec.json.encode(
        {"model": model, "messages": [{"role": "user", "content": question}]}
        | ({"stream": True, "stream_options": {"include_usage": True}} if is_stream else {})
    )
    more = "".join(f"{line}\r\n" for line in headers)
    request = (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{more}\r\n"
    ).encode() + body
    measured = Measured()
    measured.begun = time.perf_counter() + WARM_UP_S
    until = measured.begun + seconds
    asking = []
    for _ in range(connections):
        _, one = await asyncio.get_running_loop().create_connection(
            lambda: Asking(request, measured, until, WORDS if is_stream else 0),
            parts.hostname or "",
            parts.port or 80,
        )
        asking.append(one)
    await asyncio.wait([one.done for one in asking], timeout=WARM_UP_S + seconds + 40)
    return measured.figures(seconds)


def main() -> None:
    """Run one load."""
    url, model, connections, seconds, key = sys.argv[1:6]
    more = [one.removeprefix("--header=") for one in sys.argv if one.startswith("--header=")]
    headers = [f"authorization: Bearer {key}", *more]
    figures = uvloop.run(
        load(url, model, int(connections), float(seconds), options=sys.argv[6:], headers=headers)
    )
    time.sleep(sum(float(one.removeprefix("--rest=")) for one in sys.argv if one.startswith("--rest=")))
    sys.stdout.buffer.write(msgspec.json.encode(figures) + b"\n")


if __name__ == "__main__":
    main()
