"""The section `knowledge` of buttress.yaml."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MEBIBYTE = 1 << 20


class ParseLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one document may hold. Beyond it a document is refused, never cut short."""

    max_file_bytes: Annotated[
        int, Meta(ge=1, le=2048 * MEBIBYTE, description="Largest file that is read.")
    ] = 64 * MEBIBYTE
    max_unpacked_bytes: Annotated[
        int,
        Meta(
            ge=1, le=8192 * MEBIBYTE, description="Most bytes of what a DOCX, PPTX or EPUB holds, unpacked."
        ),
    ] = 512 * MEBIBYTE
    max_pages: Annotated[
        int, Meta(ge=1, le=100_000, description="Most pages of a document, or slides of a presentation.")
    ] = 5_000
    max_rows: Annotated[int, Meta(ge=1, le=10_000_000, description="Most rows of a CSV file.")] = 200_000
    max_characters: Annotated[
        int, Meta(ge=1, le=500_000_000, description="Most characters of a document's text.")
    ] = 20_000_000


class OcrSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the letters of scanned pages are read."""

    engine: Annotated[
        Literal["", "tesseract"],
        Meta(description="What reads pages of a PDF that are pictures without text. Empty: nothing does."),
    ] = ""
    program: Annotated[
        str, Meta(min_length=1, description="Name or path of the program; looked for where programs are.")
    ] = "tesseract"
    languages: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9]\w{0,40}(/\w{1,40})?$")], ...],
        Meta(
            min_length=1, max_length=20, description="Languages of the pages, as the program names its data."
        ),
    ] = ("eng",)
    dpi: Annotated[int, Meta(ge=72, le=1200, description="Points to an inch at which a page is drawn.")] = 300
    page_timeout_s: Annotated[
        float,
        Meta(gt=0, le=3_600, description="Longest time for one page; it does not count for the document's."),
    ] = 60.0
    max_pages: Annotated[
        int, Meta(ge=1, le=100_000, description="Most pages of one document that are read so.")
    ] = 500


class ParserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How documents are parsed: in processes of their own, so that a bad file harms nothing else."""

    limits: ParseLimits = ParseLimits()
    ocr: OcrSettings = OcrSettings()
    parsers: Annotated[int, Meta(ge=1, le=64, description="Parser processes.")] = 2
    parse_timeout_s: Annotated[
        float, Meta(gt=0, le=3_600, description="Longest time for one document; then its parser is stopped.")
    ] = 120.0
    parser_memory_bytes: Annotated[
        int,
        Meta(
            ge=256 * MEBIBYTE,
            description="Address space of one parser process, where the system can limit it.",
        ),
    ] = 2048 * MEBIBYTE


class EmbedderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model turns texts into vectors."""

    folder: Annotated[
        str,
        Meta(description="Folder with model.onnx and tokenizer.json. Empty: the packaged all-MiniLM-L6-v2."),
    ] = ""
    max_tokens: Annotated[
        int, Meta(ge=16, le=32_768, description="Longest text in tokens; what the model was made for.")
    ] = 512
    threads: Annotated[
        int, Meta(ge=0, le=256, description="Texts embedded at the same time. 0: one for each core.")
    ] = 0


class RerankerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model says how well documents answer a question."""

    model: Annotated[
        str,
        Meta(
            description="A cross-encoder: a folder with model.onnx (or onnx/model.onnx) and tokenizer.json, "
            "or the name `OWNER/NAME` of a model that was fetched from the hub. Or the URL of a service that "
            "answers /v1/rerank as Cohere, Jina and vLLM do. Empty: late interaction of the embedding model, "
            "which needs no further weights."
        ),
    ] = ""
    service_model: Annotated[
        str, Meta(description="Of a service: the model it is asked for, where it has several.")
    ] = ""
    key: Annotated[
        str,
        Meta(
            pattern=r"^$|^(env|file):.+$",
            description="Of a service: where the key it is asked with is found, `env:NAME` or `file:PATH`.",
        ),
    ] = ""
    hub_folder: Annotated[str, Meta(description="Where models that were fetched from the hub are kept.")] = (
        "~/.cache/huggingface/hub"
    )
    max_tokens: Annotated[
        int,
        Meta(
            ge=16,
            le=32_768,
            description="Longest document in tokens, with a cross-encoder together with its question; of a "
            "longer one the beginning counts.",
        ),
    ] = 512
    max_documents: Annotated[
        int, Meta(ge=1, le=100_000, description="Most documents to re-rank in one call.")
    ] = 1_000
    threads: Annotated[
        int, Meta(ge=0, le=256, description="Documents scored at the same time. 0: one for each core.")
    ] = 0
    keep_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Memory for the token vectors of documents that were re-ranked lately, 150 kB for "
            "200 tokens: they are not computed again. Late interaction only.",
        ),
    ] = 64 * MEBIBYTE


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much an engine takes on, and how long anything may take."""

    max_running: Annotated[int, Meta(ge=1, le=256, description="Calls worked on at the same time.")] = 4
    max_waiting: Annotated[
        int, Meta(ge=0, le=100_000, description="Calls that may wait; one more is refused as busy.")
    ] = 64
    stage_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Longest time for one stage of a search; then it is skipped.")
    ] = 2.0
    embed_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=60)] | None,
        Meta(description="Longest time for the question's vector; empty: `stage_timeout_s`."),
    ] = None
    dense_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=60)] | None,
        Meta(description="Longest time for dense search; empty: `stage_timeout_s`."),
    ] = None
    bm25_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=60)] | None,
        Meta(description="Longest time for BM25; empty: `stage_timeout_s`."),
    ] = None
    rerank_timeout_s: Annotated[
        Annotated[float, Meta(gt=0, le=60)] | None,
        Meta(description="Longest time for re-ranking; empty: `stage_timeout_s`."),
    ] = None
    call_timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Longest time for a call to an engine, waiting included.")
    ] = 10.0
    connect_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Longest time to reach an engine that runs.")
    ] = 2.0
    resident_from_rows: Annotated[
        int, Meta(ge=0, description="Chunks from which on a knowledge base's vectors are kept in memory.")
    ] = 5_000
    resident_rows: Annotated[
        int, Meta(ge=0, description="Most chunks whose vectors are kept in memory, 1.5 kB each; 0 for none.")
    ] = 200_000
    max_texts: Annotated[
        int, Meta(ge=1, le=10_000, description="Most texts to embed or to rank in one call.")
    ] = 512
    max_frame_bytes: Annotated[
        int, Meta(ge=1 << 16, le=1 << 30, description="Largest message to or from an engine process.")
    ] = 16 * MEBIBYTE

    def budget_s(self, stage: str) -> float:
        """Return how long the stage of this name may take."""
        own = {
            "embed": self.embed_timeout_s,
            "dense": self.dense_timeout_s,
            "bm25": self.bm25_timeout_s,
            "rerank": self.rerank_timeout_s,
        }
        return own.get(stage) or self.stage_timeout_s


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sources that are not on this machine are asked."""

    requests_at_once: Annotated[
        int, Meta(ge=1, le=64, description="Requests to one site or bucket at the same time.")
    ] = 4
    delay_s: Annotated[
        float, Meta(ge=0, le=60, description="Least time between the beginnings of two requests to a site.")
    ] = 0.1
    timeout_s: Annotated[
        float, Meta(gt=0, le=3_600, description="Longest time for one page or object, however slow it comes.")
    ] = 60.0
    git_timeout_s: Annotated[
        float, Meta(gt=0, le=86_400, description="Longest time to fetch a git repository.")
    ] = 600.0
    git_max_bytes: Annotated[
        int,
        Meta(
            ge=MEBIBYTE,
            description="Most bytes to fetch of a git repository, packed, where the system can limit it.",
        ),
    ] = 2048 * MEBIBYTE
    max_documents: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="Most documents of one sitemap or bucket; more are an error."),
    ] = 100_000


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How documents are taken in. What is lost when an ingest is killed is at most one group's work."""

    commit_documents: Annotated[int, Meta(ge=1, le=10_000, description="Most documents of one commit.")] = 50
    commit_chunks: Annotated[
        int, Meta(ge=1, le=100_000, description="Chunks from which on one commit ends.")
    ] = 256
    lock_timeout_s: Annotated[
        float, Meta(ge=0, le=86_400, description="How long to wait for another ingest of the same knowledge.")
    ] = 0.0
