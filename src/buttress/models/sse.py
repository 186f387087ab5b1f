"""Server-sent events: bytes in, whole events out, however the bytes were cut. Pure.

Follows the event stream format of the WHATWG HTML standard (section 9.2), except that `id` and `retry` mean
nothing here: a completion is never resumed.
"""

import re
import sys

import msgspec

from buttress.models.errors import BadAnswer

_LINE_END = re.compile(rb"\r\n?|\n")
_BOM = "\ufeff"
_DATA = b"data: "


class SseEvent(msgspec.Struct, frozen=True):
    """One event. `data` holds its data lines joined by newlines."""

    data: str
    name: str = "message"

    def as_bytes(self) -> bytes:
        """Return the event as it is sent; one without a name of its own is sent without one."""
        data = self.data.replace("\n", "\ndata: ") if "\n" in self.data else self.data
        named = "" if self.name == "message" else f"event: {self.name}\n"
        return f"{named}data: {data}\n\n".encode()


class SseParser:
    """Collects bytes until events are whole. An event without its closing blank line is not an event.

    Memory is bounded by `max_event_bytes`, for a line and for all the data of an event; what may be made of
    all of it by `max_bytes`, for the whole stream: an upstream need not come to an end.
    """

    def __init__(self, max_event_bytes: int, max_bytes: int = sys.maxsize) -> None:
        self._max_event_bytes = max_event_bytes
        self._max_bytes = max_bytes
        self._bytes = 0
        self._buffer = bytearray()
        self._scanned = 0
        self._after_cr = False
        self._is_first_line = True
        self._data: list[str] = []
        self._data_bytes = 0
        self._name = ""

    def feed(self, data: bytes) -> list[SseEvent]:
        """Take the next bytes; return the events that they complete.

        Raises:
            BadAnswer: a line, the data of an event, or the whole stream is longer than the limit.
        """
        self._bytes += len(data)
        if self._bytes > self._max_bytes:
            raise too_long(self._max_bytes)
        is_small = len(data) <= self._max_event_bytes
        if is_small and self._is_between and data.endswith(b"\n\n") and b"\r" not in data:
            return self._whole_events(data)
        return [event for line in self._lines(data) for event in self._take(line)]

    @property
    def _is_between(self) -> bool:
        """Whether nothing of an event was seen yet."""
        return not (self._buffer or self._after_cr or self._data or self._name or self._is_first_line)

    def _whole_events(self, data: bytes) -> list[SseEvent]:
        """Read what mostly comes: events that are whole, each of one line."""
        events: list[SseEvent] = []
        for block in data[:-2].split(b"\n\n"):
            if block.startswith(_DATA) and b"\n" not in block:
                events.append(SseEvent(block[6:].decode(errors="replace")))
                continue
            for line in block.split(b"\n"):
                events += self._take(line)
            events += self._dispatch()
        return events

    def _lines(self, data: bytes) -> list[bytes]:
        if self._after_cr and data:  # a CR and an LF that came apart are still one line end
            data = data.removeprefix(b"\n")
            self._after_cr = False
        self._buffer += data
        lines, start = [], 0
        for end in list(_LINE_END.finditer(self._buffer, self._scanned)):
            lines.append(bytes(self._buffer[start : end.start()]))
            start = end.end()
        if data:
            self._after_cr = self._buffer.endswith(b"\r")
        del self._buffer[:start]
        self._scanned = len(self._buffer)
        self._check(max(map(len, lines), default=0), self._scanned)
        return lines

    def _take(self, line: bytes) -> list[SseEvent]:
        if not line:
            return self._dispatch()
        text = line.decode(errors="replace")
        if self._is_first_line:
            text = text.removeprefix(_BOM)
            self._is_first_line = False
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_bytes += len(line)
            self._check(self._data_bytes)
        elif name == "event":
            self._name = value
        return []

    def _dispatch(self) -> list[SseEvent]:
        self._is_first_line = False
        events = [SseEvent("\n".join(self._data), self._name or "message")] if self._data else []
        self._data, self._data_bytes, self._name = [], 0, ""
        return events

    def _check(self, *sizes: int) -> None:
        if max(sizes) > self._max_event_bytes:
            raise BadAnswer(
                f"an event of the answer is longer than {self._max_event_bytes:,} bytes",
                hint="Raise models.max_event_bytes in buttress.yaml if the upstream is to be trusted.",
            )


def too_long(max_bytes: int) -> BadAnswer:
    """Return the error of an answer, streamed or whole, of more than `max_bytes`."""
    return BadAnswer(
        f"the answer is longer than {max_bytes:,} bytes",
        hint="Raise models.max_answer_bytes in buttress.yaml if the upstream is to be trusted.",
    )
