"""The client: one connection for each call, HTTP of the standard library."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from types import TracebackType
from typing import Self, TypeVar, Unpack
from urllib.parse import quote, urlsplit

import msgspec

from buttress.client.errors import AnswerCut, BadAddress, CallRefused, NotButtress, ServerAway, Told
from buttress.gateway.types import Answer, Ended, Event, Particulars
from buttress.kernel.errors import UNDECODABLE

T = TypeVar("T")

_LINE_BYTES = 16_000_000
"""The longest line of a stream: the last event holds the whole answer with its passages."""


class _Failure(msgspec.Struct):
    error: Told


_ANSWER = msgspec.json.Decoder(Answer)
_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_FAILURE = msgspec.json.Decoder(_Failure)


class Client:
    """Asks a served project. May be used by several threads: calls share nothing.

    `timeout_s` is how long to wait for a connection, and for the next piece of an answer. `key` goes along
    with each question, where the server asks for one.
    """

    def __init__(self, address: str, *, timeout_s: float = 60.0, key: str | None = None) -> None:
        """Raises `BadAddress` for what is no address, or no key; nothing is sent yet."""
        try:
            parts = urlsplit(address)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise BadAddress(f"{address!r} is no address: {error}") from error
        if parts.scheme not in {"http", "https"} or not self._host:
            raise BadAddress(f"{address!r} is no address of a server")
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._base = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._headers = {"content-type": "application/json"}
        if key is not None:
            if not (key.strip().isascii() and key.strip().isprintable()):
                raise BadAddress("the key holds what no header can carry")
            self._headers["authorization"] = f"Bearer {key.strip()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def ask(
        self,
        feature: str,
        input: Mapping[str, object],  # noqa: A002 - the word of feature.yaml, and what callers write
        **particulars: Unpack[Particulars],
    ) -> Answer:
        """Ask `feature` and return its whole answer.

        Beside the question may be told: `user`, `tenant`, `groups`, `history` and `conversation`, as to the
        library.

        Raises:
            CallRefused: the server says why. ServerAway, AnswerCut, NotButtress: it does not.
        """
        body = {"input": input, **particulars}
        with self._answer(feature, body) as response:
            return _decoded(response.read(), _ANSWER)

    def stream(
        self,
        feature: str,
        input: Mapping[str, object],  # noqa: A002 - as for `ask`
        **particulars: Unpack[Particulars],
    ) -> Generator[Event, None, None]:
        """Ask `feature`; yield its answer as it is released, `Began` first and `Ended` last; else as `ask`.

        Close the generator (`contextlib.closing`) when leaving early: the work for it is then cancelled.
        """
        body = {"input": input, **particulars, "stream": True}
        with self._answer(feature, body) as response:
            for name, data in _events(response):
                if name == "error":
                    raise CallRefused(_decoded(data, _FAILURE).error, response.status)
                event = _decoded(data, _EVENT)
                yield event
                if isinstance(event, Ended):
                    return
            raise AnswerCut("the stream ended before the answer did")

    @contextmanager
    def _answer(self, feature: str, body: Mapping[str, object]) -> Iterator[HTTPResponse]:
        where = f"{self._host}:{self._port}" if self._port else self._host
        with closing(self._kind(self._host, self._port, timeout=self._timeout_s)) as connection:
            try:
                connection.request(
                    "POST",
                    f"{self._base}/v1/features/{quote(feature, safe='')}",
                    msgspec.json.encode(body),
                    self._headers,
                )
                response = connection.getresponse()
            except TimeoutError as error:
                raise ServerAway(f"{where} did not answer within {self._timeout_s:g} s") from error
            except (OSError, HTTPException) as error:
                raise ServerAway(f"{where} could not be asked: {_reason(error)}") from error
            try:
                if response.status != 200:
                    raise CallRefused(_decoded(response.read(), _FAILURE).error, response.status)
                yield response
            except TimeoutError as error:
                raise AnswerCut(f"{where} sent nothing more for {self._timeout_s:g} s") from error
            except (OSError, HTTPException) as error:
                raise AnswerCut(f"{where} broke off: {_reason(error)}") from error


def _events(response: HTTPResponse) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the data of each event; our events have one line of data."""
    name = ""
    while line := response.readline(_LINE_BYTES):
        field, _, value = line.rstrip(b"\r\n").partition(b": ")
        if field == b"event":
            name = value.decode("ascii", "replace")
        elif field == b"data":
            yield name, value


def _decoded(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(data)
    except UNDECODABLE as error:
        raise NotButtress(f"what answered is not understood: {error}: {data[:80]!r}") from error


def _reason(error: OSError | HTTPException) -> str:
    return str(error) or type(error).__name__
