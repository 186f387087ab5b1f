"""Which embedding model a knowledge base is searched with, and the model of an earlier one.

The truth is in PostgreSQL. It is told to those who search by a small file beside the index, so that a search
needs no database: written right behind the transaction, and again by the next sync if that was killed before.
"""

import os
from pathlib import Path

import msgspec

from buttress.knowledge.embedding.embedder import OnnxEmbedder, fingerprint_of, open_embedder
from buttress.knowledge.errors import EmbedderBroken, EmbedderChanged, EmbedderMissing, IndexFailed
from buttress.knowledge.ports import Embedder
from buttress.knowledge.settings import EmbedderSettings


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """An embedding model, and where it is: `folder` is empty for the packaged one."""

    fingerprint: str
    dimensions: int
    folder: str
    max_tokens: int


def active_generation(index_folder: Path, knowledge: str) -> Generation | None:
    """Return what `knowledge` is searched with; None where nobody has said, and the settings decide."""
    try:
        return msgspec.json.decode(_file(index_folder, knowledge).read_bytes(), type=Generation)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def tell_generation(index_folder: Path, knowledge: str, generation: Generation | None) -> None:
    """Let searches of `knowledge` go by `generation` from now on; by the settings where it is None.

    Raises:
        IndexFailed: the file could not be written.
    """
    file = _file(index_folder, knowledge)
    try:
        if generation is None:
            file.unlink(missing_ok=True)
            return
        index_folder.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(generation))
        os.replace(new, file)  # noqa: PTH105 - in one step, whoever reads it
    except OSError as error:
        raise IndexFailed(f"{file.name} could not be written: {error.strerror}") from error


def open_generation(knowledge: str, generation: Generation, settings: EmbedderSettings) -> OnnxEmbedder:
    """Load the model of `generation`. Blocking: about half a second.

    Raises:
        EmbedderChanged: it is not there any more, or not what it was.
        ExtraMissing: onnxruntime, tokenizers or numpy is not installed.
    """
    named = msgspec.structs.replace(settings, folder=generation.folder, max_tokens=generation.max_tokens)
    changed = EmbedderChanged(
        f"knowledge base `{knowledge}` was ingested with an embedding model that is not there any more: "
        f"{generation.folder or 'the packaged one'}",
        hint=f"Ingest it anew: buttress sync {knowledge}",
    )
    try:
        embedder = open_embedder(named)
    except (EmbedderMissing, EmbedderBroken) as error:
        raise changed from error
    if embedder.fingerprint != generation.fingerprint:
        embedder.close()
        raise changed
    return embedder


def open_searched(knowledge: str, index_folder: Path, settings: EmbedderSettings) -> OnnxEmbedder:
    """Load the model that `knowledge` is searched with: its generation's, else that of `settings`. Blocking.

    So who measures what is found sees the same index as who searches, also while another one is built.

    Raises:
        EmbedderChanged: the model of the generation is not there any more.
        EmbedderMissing, EmbedderBroken, ExtraMissing: see `open_embedder`.
    """
    generation = active_generation(index_folder, knowledge)
    if generation is None or generation.fingerprint == fingerprint_of(settings):
        return open_embedder(settings)
    return open_generation(knowledge, generation, settings)


def generation_of(embedder: Embedder, settings: EmbedderSettings) -> Generation:
    """Return the generation of a model that was loaded by `settings`."""
    return Generation(
        fingerprint=embedder.fingerprint,
        dimensions=embedder.dimensions,
        folder=settings.folder,
        max_tokens=settings.max_tokens,
    )


def _file(index_folder: Path, knowledge: str) -> Path:
    return index_folder / f"{knowledge}.generation"
