"""A feature's answer in its client's dialect. Pure."""

from collections.abc import Iterator

from buttress.gateway.types import Answer, Began, Ended, Event, Text
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, TextDelta
from buttress.models.dialects.types import Body, Said, Told
from buttress.server.doors.clients import Client
from buttress.server.errors import status_of


class Speaker:
    """Tells one answer to who asked `body`; `created` in seconds since 1970."""

    def __init__(self, client: Client, body: Body, created: int) -> None:
        self._client = client
        self._body = body
        self._created = created
        self._writer = client.writer(self._told(""), body)

    def whole(self, answer: Answer) -> bytes:
        """Return the answer to a request that does not stream."""
        said = Said(text=answer.text, reason="stop", usage=answer.usage, model=self._body.model)
        return self._client.whole(said, self._told(answer.trace_id), extension_of(answer), self._body)

    def chunks(self, event: Event) -> Iterator[bytes]:
        """Return what goes out for one event of a stream; the last one tells all citations."""
        match event:
            case Began(trace_id):
                self._writer = self._client.writer(self._told(trace_id), self._body)
                yield self._writer.begin()
            case Text(text):
                yield self._writer.write(TextDelta(text))
            case Ended(answer):
                end = Finished(reason="stop", usage=answer.usage, model=self._body.model)
                yield self._writer.write(end, extension_of(answer))
            case _:
                pass

    def broken(self, error: ButtressError) -> bytes:
        """Return what ends a stream that broke off."""
        return self._writer.fail(error, status_of(error))

    def _told(self, trace_id: str) -> Told:
        own_id = f"{self._client.prefix}{trace_id}"
        return Told(id=own_id, created=self._created, model=self._body.model)


def extension_of(answer: Answer) -> dict[str, object]:
    """Return what dialects have no place for: the field `buttress` of an answer."""
    return {
        "trace_id": answer.trace_id,
        "release": answer.release_id,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "citations": answer.citations,
        "support": answer.support,
        "history": answer.history,
        "mapped": answer.mapped,
        "cache": answer.cache,
        "recalled": answer.recalled,
        "model": answer.model,
        "cost_nanodollars": answer.cost_nanodollars,
    }
