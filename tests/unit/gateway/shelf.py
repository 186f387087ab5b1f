"""Long texts, and what was said of their pieces, in memory: a `gateway.ports.Library` for tests of steps."""

from collections.abc import Mapping, Sequence

from buttress.caching.flights import Flights, Follower, Leader
from buttress.caching.types import Key
from buttress.gateway.errors import DocumentUnknown
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.kernel.scope import Scope
from buttress.prompts.cutting import plain_reading
from buttress.prompts.reading_types import Part, PieceAnswer, Reading


class Shelf:
    """Holds documents by tenant and path; with an `error`, one whose answers are away.

    When a document is taken away, answers about it are not kept any more.
    """

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Reading] = {}
        self.answers: dict[tuple[str, str], PieceAnswer] = {}
        self.error: ButtressError | None = None
        self.flights = Flights[None, str](100)

    def join(self, tenant: str, digest: str) -> Leader[None, str] | Follower[None, str] | None:
        """See `Library.join`."""
        return self.flights.join(Key(tenant, "", digest))

    async def reading(self, knowledge: str, named: str, scope: Scope) -> Reading:
        """See `Library.reading`."""
        try:
            return self.documents[scope.tenant, named]
        except KeyError:
            raise DocumentUnknown(f"{knowledge} has no document {named!r} for who asks") from None

    async def kept(self, tenant: str, digests: Sequence[str]) -> Mapping[str, PieceAnswer]:
        """See `Library.kept`."""
        if self.error:
            raise self.error
        return {one: self.answers[tenant, one] for one in digests if (tenant, one) in self.answers}

    async def keep(self, answer: PieceAnswer) -> bool:
        """See `Library.keep`."""
        if self.error:
            raise self.error
        if answer.document_id and not any(
            one.document_id == answer.document_id for one in self.documents.values()
        ):
            return False
        self.answers.setdefault((answer.tenant, answer.digest), answer)
        return True


def a_document(*pages: str, path: str = "report.pdf") -> Reading:
    """Return a document of these pages, each a part of its own."""
    text = "\n\n".join(pages)
    plain = plain_reading(text)
    assert len(plain.parts) == len(pages)
    parts = tuple(
        Part(start=one.start, end=one.end, section=("Report",), page=page)
        for page, one in enumerate(plain.parts, start=1)
    )
    return Reading(
        text=text,
        parts=parts,
        title="Report",
        knowledge="docs",
        document=path,
        document_id=DocumentId(f"id of {path}"),
        readers=("*",),
    )
