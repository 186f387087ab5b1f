"""What this room needs from adapters; each port has a contract test in `testing.contracts`."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from buttress.kernel.ids import ChunkId
from buttress.knowledge.pictures import Picture, Word
from buttress.knowledge.search_types import (
    Candidate,
    Embedded,
    EngineStatus,
    Found,
    Hit,
    Query,
    Reranked,
    Reranking,
)
from buttress.knowledge.settings import ParseLimits
from buttress.knowledge.sources.types import Content, Entry, Listing
from buttress.knowledge.types import ParsedDocument

if TYPE_CHECKING:  # processes that only ask an engine never load numpy
    import numpy as np
    import numpy.typing as npt

Vectors: TypeAlias = "npt.NDArray[np.float32]"
"""Unit vectors, one a row (or one alone); a vector of zeros where there is nothing to say."""

TokenStarts = Callable[[str], Sequence[int]]
"""Where each token of a text begins, ascending, in characters: after one pass any span is counted by
bisection.

Of a Hugging Face tokenizer: `[s for s, _ in t.encode(text, add_special_tokens=False).offsets]`.
"""


class Parser(Protocol):
    """Reads one format. Every adapter passes `testing.contracts.parser`."""

    def __call__(self, data: bytes, path: str, limits: ParseLimits) -> ParsedDocument:
        """Return the document in `data`; `path` is for messages and, at need, for its title.

        Deterministic, without I/O; the result passes `checking.check_blocks`.

        Raises:
            ButtressError: one of `errors.PARSE_ERRORS`; its message names `path`.
        """
        ...


class Recogniser(Protocol):
    """Reads the letters off a picture. Every adapter passes `testing.contracts.recogniser`."""

    def __call__(self, picture: Picture) -> Sequence[Word]:
        """Return the words of a picture, in reading order, none where there are none; all lie within it.

        It may be turned by half a turn first: their boxes are then those of what was turned.

        Raises:
            OcrMissing: the program, or its data for a language, is not there.
            OcrFailed: it failed, took too long, or gave what cannot be understood.
        """
        ...


class Source(Protocol):
    """Holds documents. Every adapter passes `testing.contracts.source`.

    Nothing is kept between two calls but what makes the next one cheaper.
    """

    async def list(self, known: Mapping[str, str]) -> Listing:
        """Return what there is, in the order of the paths; `known` are revisions, by the paths.

        A source that has to ask for each document asks only whether it is another one than is known.

        Raises:
            SourceMissing: it is not there; that counts as missing, not as empty.
            Unreadable: it is, and may not be looked at.
        """
        ...

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """Return the bytes of a listed document, as they are now.

        Raises:
            SourceMissing: the source as a whole has gone.
            Unreadable: the document has, or may not be read.
            TooLarge: it has more than `max_bytes` bytes, whatever the source says of it.
        """
        ...


class Embedder(Protocol):
    """Turns texts into vectors. Every adapter passes `testing.contracts.embedder`.

    Blocking, and safe to use from many threads at once. The vector of a text depends on nothing but the text
    and the `fingerprint`, so vectors may be kept and used again by what they were made from.
    """

    @property
    def name(self) -> str:
        """What people call the model."""
        ...

    @property
    def fingerprint(self) -> str:
        """Names the model, its tokenizer and all that changes a vector; hexadecimal, at least 12 digits."""
        ...

    @property
    def dimensions(self) -> int:
        """How long a vector is."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest text in tokens; of a longer one only the beginning counts."""
        ...

    @property
    def tokens_embedded(self) -> int:
        """How many tokens were embedded since it was made: for rates."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return an array of shape (len(texts), dimensions): rows of length 1, in the order of `texts`."""
        ...

    def token_starts(self, text: str) -> Sequence[int]:
        """Return where each token of `text` begins; see `TokenStarts`. Nothing is cut off."""
        ...


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that also gives the vector of each token. Blocking, and safe to use from many threads."""

    @property
    def name(self) -> str:
        """What people call the model."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest text in tokens."""
        ...

    @property
    def gives_tokens(self) -> bool:
        """Whether it really does: of a model's files only loading them tells."""
        ...

    def embed_with_tokens(
        self, texts: Sequence[str], reduce: Callable[[Vectors], bytes]
    ) -> tuple[Vectors, list[bytes]]:
        """Return what `Embedder.embed` does, and what `reduce` makes of each text's token vectors.

        Both are of the same run of the model; `reduce` is called in its threads.
        """
        ...

    def token_ids(self, text: str) -> Sequence[int]:
        """Return the tokens of `text`, those that open and close it included; nothing is cut off."""
        ...

    def token_vectors(self, ids: Sequence[int]) -> Vectors:
        """Return a row of length 1 for each of `ids`, at most `max_tokens`.

        Raises:
            RerankerBroken: the model gives none.
            EmbedderBroken: it could not run.
        """
        ...


class Reranker(Protocol):
    """Scores documents by how well they answer a question. Passes `testing.contracts.reranker`.

    The score of a document depends on nothing but it and the question. Calls may run side by side; a call
    that is cancelled works on a few more documents at most.
    """

    @property
    def name(self) -> str:
        """What people call the model."""
        ...

    async def rerank(self, asked: Reranking) -> Reranked:
        """Return a score for each document.

        Raises:
            RerankerBroken, EmbedderBroken: the model cannot, or could not run.
        """
        ...

    def close(self) -> None:
        """End its threads; what they work on is finished first."""
        ...


class FoundRows(Protocol):
    """What may be read of rows that a search found: `index.table.Table`."""

    async def candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        """Return all that is shown of `hits`, in their order."""
        ...

    async def tokens(self, hits: Sequence[Hit]) -> Mapping[ChunkId, bytes]:
        """Return what is stored of the tokens of `hits`, those of which nothing is left out."""
        ...


class StageReranker(Protocol):
    """Re-ranks within a search: says of rows that were found how well they answer the question.

    Every adapter passes `testing.contracts.stage_reranker`.
    """

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """Return the score, 0 to 1, of each of `hits`, which were found in this version of the table.

        The same pair always has the same score, whatever else is asked. A hit that there is nothing to
        compare of is left out.

        Raises:
            RerankerBroken, RerankerMissing, EmbedderBroken, IndexFailed: it cannot; the stage is skipped.
        """
        ...


class Engine(Protocol):
    """Searches and embeds. Every adapter passes `testing.contracts.engine`.

    Every method may raise:
        EngineBusy: too many wait already. EngineTimeout: it took too long. EngineAway: nobody is there.
        EngineFailed: a mistake inside. EmbedderMissing, EmbedderBroken, ExtraMissing: it cannot work here.
    """

    async def search(self, query: Query) -> Found:
        """Return the passages that answer `query` best, of those its scope may see.

        Raises:
            UnknownKnowledge, NotIngested, EmbedderChanged: the knowledge base.
            QueryInvalid: an empty text, or a limit out of bounds.
            SearchFailed: no stage could find anything, and why.
        """
        ...

    async def rank_sentences(self, question: str, sentences: Sequence[str]) -> list[float]:
        """Return the cosine (-1 to 1) of each sentence with the question, in their order.

        Raises:
            TooMuchAsked: more sentences than `EngineSettings.max_texts`.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Return the vector of each text, in their order; of a text that is too long, of its beginning.

        Raises:
            TooMuchAsked: more texts than `EngineSettings.max_texts`.
        """
        ...

    async def rerank(self, asked: Reranking) -> Reranked:
        """Return a score for each document of `asked`, in their order.

        Raises:
            TooMuchAsked: more documents than `RerankerSettings.max_documents`.
            RerankerMissing, RerankerBroken: the model of the settings is not there, or is none.
        """
        ...

    async def status(self) -> EngineStatus:
        """Return what the engine works with, and how busy it is. Never waits behind searches."""
        ...
