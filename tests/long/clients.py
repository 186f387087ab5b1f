"""Clients that ask by both doors, streamed and not, and keep what they saw: what broke off, too."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

import aiohttp
import msgspec

from tests.flows.running import QUESTIONS

TRACE_HEADER = "x-buttress-trace-id"

Way = Literal["feature", "chat"]
End = Literal["", "ended", "error", "refused", "cut", "unreached"]
"""How it ended for the client; `cut` without a word, `unreached` before any answer began."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A question, and by which door it is asked."""

    way: Way
    feature: str
    question: str
    stream: bool
    conversation: str | None = None

    @property
    def route(self) -> str:
        """The path of the door."""
        return f"/v1/features/{self.feature}" if self.way == "feature" else "/v1/chat/completions"

    @property
    def body(self) -> dict[str, object]:
        """What is sent."""
        if self.way == "chat":
            messages = [{"role": "user", "content": self.question}]
            return {"model": self.feature, "messages": messages, "stream": self.stream, "user": "ada"}
        conversation = {} if self.conversation is None else {"conversation": self.conversation}
        question = {"question": self.question}
        # Watched, a stream begins with the first step: long before its model has said a word.
        how = {"stream": self.stream, "watch": self.stream}
        return {"input": question, "user": "ada", **how, **conversation}


class Told(msgspec.Struct, frozen=True):
    """What is read of an answer's end: our own, or the extension of OpenAI's last chunk."""

    trace_id: str
    outcome: str
    reason: str
    citations: list[dict[str, object]]
    support: dict[str, int]
    model: str | None
    text: str | None = None


class Seen(msgspec.Struct, kw_only=True):
    """What a client saw of one answer. Times are of the event loop's clock."""

    asking: Asking
    began_at: float
    trace_id: str = ""
    pieces: list[str] = msgspec.field(default_factory=list)
    first_text_at: float | None = None
    ended_at: float | None = None
    end: End = ""
    reason: str = ""
    told: Told | None = None

    @property
    def text(self) -> str:
        """The pieces so far."""
        return "".join(self.pieces)

    def heard(self, text: str) -> None:
        """Take a piece of the answer."""
        self.first_text_at = self.first_text_at or asyncio.get_running_loop().time()
        self.pieces.append(text)


class _Delta(msgspec.Struct, frozen=True):
    content: str = ""


class _Message(msgspec.Struct, frozen=True):
    content: str


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()
    message: _Message | None = None


class _Error(msgspec.Struct, frozen=True):
    code: str


class _Chat(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    buttress: Told | None = None
    error: _Error | None = None


class _Ended(msgspec.Struct, frozen=True):
    answer: Told


class _Text(msgspec.Struct, frozen=True):
    text: str


class _Failed(msgspec.Struct, frozen=True):
    error: _Error


async def ask(session: aiohttp.ClientSession, url: str, seen: Seen) -> None:
    """Ask, and note in `seen` what comes; an answer that breaks off is one of the things that come."""
    try:
        async with session.post(f"{url}{seen.asking.route}", json=seen.asking.body) as response:
            seen.trace_id = response.headers.get(TRACE_HEADER, "")
            if response.status != 200:
                seen.end, seen.reason = "refused", f"{response.status}: {await response.text()}"
            elif seen.asking.stream:
                await _follow(response, seen)
            else:
                _read_whole(await response.read(), seen)
    except (aiohttp.ClientError, TimeoutError) as error:
        seen.end, seen.reason = ("cut" if seen.trace_id else "unreached"), type(error).__name__
    seen.ended_at = asyncio.get_running_loop().time()


async def _follow(response: aiohttp.ClientResponse, seen: Seen) -> None:
    hear = _hear_own if seen.asking.way == "feature" else _hear_chat
    rest = b""
    async for data in response.content.iter_any():
        *events, rest = (rest + data).split(b"\n\n")
        for event in events:
            assert seen.end == "", f"{event!r} behind the end of an answer"
            hear(event, seen)
    assert rest == b"", f"half an event in an answer that ended: {rest!r}"
    seen.end = seen.end or "cut"


def _hear_own(event: bytes, seen: Seen) -> None:
    head, _, data = event.partition(b"\ndata: ")
    kind = head.removeprefix(b"event: ").decode()
    if kind == "text":
        seen.heard(msgspec.json.decode(data, type=_Text).text)
    elif kind == "ended":
        seen.end, seen.told = "ended", msgspec.json.decode(data, type=_Ended).answer
    elif kind == "error":
        seen.end, seen.reason = "error", msgspec.json.decode(data, type=_Failed).error.code


def _hear_chat(event: bytes, seen: Seen) -> None:
    data = event.removeprefix(b"data: ")
    if data == b"[DONE]":
        assert seen.told, "[DONE] without a last chunk"
        seen.end = "ended"
        return
    chunk = msgspec.json.decode(data, type=_Chat)
    if chunk.error:
        seen.end, seen.reason = "error", chunk.error.code
        return
    seen.told = chunk.buttress or seen.told
    if text := "".join(one.delta.content for one in chunk.choices):
        seen.heard(text)


def _read_whole(body: bytes, seen: Seen) -> None:
    if seen.asking.way == "feature":
        seen.told = msgspec.json.decode(body, type=Told)
        seen.pieces = [seen.told.text or ""]
    else:
        chat = msgspec.json.decode(body, type=_Chat)
        seen.told = chat.buttress
        seen.pieces = [one.message.content for one in chat.choices if one.message]
    assert seen.told
    seen.end, seen.trace_id = "ended", seen.told.trace_id


class Clients:
    """Several who ask without pause; `seen` has all that they saw, in the order they asked.

    `draw` says what the client of a number asks next. `url` may change at any moment.
    """

    def __init__(self, url: str, draw: Callable[[int], Asking], deadline_s: float) -> None:
        self.url = url
        self.seen: list[Seen] = []
        self._draw = draw
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def asking(self, count: int, *, pause_s: float) -> AsyncIterator[None]:
        """Have `count` of them ask for the block; answers under way at its end are heard to theirs."""
        over = asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=self._deadline_s)
        # A connection for each question: the system gives it to any of the workers.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            for number in range(count):
                group.create_task(self._ask_on(session, number, over, pause_s))
            try:
                yield
            finally:
                over.set()

    async def ask_once(self, asking: Asking) -> Seen:
        """Ask one question, beside what they ask."""
        seen = Seen(asking=asking, began_at=asyncio.get_running_loop().time())
        timeout = aiohttp.ClientTimeout(total=self._deadline_s)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await ask(session, self.url, seen)
        return seen

    async def _ask_on(
        self, session: aiohttp.ClientSession, number: int, over: asyncio.Event, pause_s: float
    ) -> None:
        loop = asyncio.get_running_loop()
        while not over.is_set():
            seen = Seen(asking=self._draw(number), began_at=loop.time())
            self.seen.append(seen)
            await ask(session, self.url, seen)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await over.wait()

    def in_the_middle(self) -> Sequence[Seen]:
        """Return the streams that have said something, a while ago, and go on."""
        now = asyncio.get_running_loop().time()
        return [
            one
            for one in self.seen
            if one.ended_at is None and one.first_text_at is not None and now - one.first_text_at > 0.3
        ]


def question(number: int) -> str:
    """Return one of the questions that the example answers."""
    return QUESTIONS[number % len(QUESTIONS)]
