"""From the settings to the re-ranker: late interaction, a cross-encoder on disk, or a service."""

import re
from collections.abc import Iterator
from pathlib import Path

from buttress.knowledge.embedding.model_files import MODEL_FILE, TOKENIZER_FILE, embedder_name
from buttress.knowledge.errors import RerankerBroken, RerankerMissing
from buttress.knowledge.ports import Embedder, Reranker
from buttress.knowledge.reranking.cross_encoder import CrossEncoder, CrossEncoderFiles
from buttress.knowledge.reranking.late_interaction import LateInteraction
from buttress.knowledge.reranking.remote import RemoteReranker, is_remote, remote_name
from buttress.knowledge.reranking.stored import token_embedder
from buttress.knowledge.settings import RerankerSettings

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_MODEL_PLACES = (Path(MODEL_FILE), Path("onnx", MODEL_FILE))


def reranker_name(settings: RerankerSettings, embedder_folder: str) -> str:
    """Return what clients call the re-ranker of these settings; looks at no file."""
    if not settings.model:
        return f"{embedder_name(embedder_folder)}, late interaction"
    if is_remote(settings):
        return remote_name(settings)
    return settings.model if _HUB_NAME.fullmatch(settings.model) else Path(settings.model).name


def open_reranker(settings: RerankerSettings, embedder: Embedder, key: str = "") -> Reranker:
    """Return the re-ranker of `settings`. Blocking: as long as a cross-encoder takes to load.

    `key` is what a service is asked with: what `settings.key` refers to.

    Raises:
        RerankerMissing: its files are not there.
        RerankerBroken: they are not of a cross-encoder; or the embedder gives no vectors of tokens.
        ExtraMissing: onnxruntime, tokenizers or numpy is not installed.
    """
    if is_remote(settings):
        return RemoteReranker(settings, key)
    if settings.model:
        return CrossEncoder(cross_encoder_files(settings), settings)
    if model := token_embedder(embedder):
        return LateInteraction(f"{model.name}, late interaction", model, settings)
    raise RerankerBroken(f"{embedder.name} gives no vectors of tokens: it cannot re-rank")


def cross_encoder_files(settings: RerankerSettings) -> CrossEncoderFiles:
    """Return the files of the model that `settings` names: in a folder, else fetched from the hub before.

    Raises:
        RerankerMissing: they are not there.
    """
    for folder in _folders(settings):
        for place in _MODEL_PLACES:
            model, tokenizer = folder / place, folder / TOKENIZER_FILE
            if model.is_file() and tokenizer.is_file():
                return CrossEncoderFiles(name=reranker_name(settings, ""), model=model, tokenizer=tokenizer)
    looked = ", ".join(str(folder) for folder in _folders(settings))
    raise RerankerMissing(f"{settings.model}: there is no {MODEL_FILE} with its {TOKENIZER_FILE} in {looked}")


def _folders(settings: RerankerSettings) -> Iterator[Path]:
    """Yield where the model may be; of the hub's models the version that was fetched last.

    The hub's client keeps a model in `models--OWNER--NAME`: its versions in `snapshots`, the name of the
    current one in `refs/main`.
    """
    yield Path(settings.model).expanduser()
    if _HUB_NAME.fullmatch(settings.model):
        kept = Path(settings.hub_folder).expanduser() / f"models--{settings.model.replace('/', '--')}"
        try:
            yield kept / "snapshots" / (kept / "refs" / "main").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            yield kept
