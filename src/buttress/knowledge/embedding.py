"""Texts into vectors with an ONNX model on this machine. The adapter of onnxruntime and tokenizers.

One text a run, as many Python threads as cores over one shared session of one thread each: on CPUs that is
faster than any batch (10,000 tokens a second against 2,300 in padded batches of 32), needs no padding and
little memory, and makes the vector of a text independent of what else is embedded.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from buttress.kernel.ids import content_hash
from buttress.knowledge.errors import EmbedderBroken, ExtraMissing
from buttress.knowledge.model_files import ModelFiles, model_in, packaged_model
from buttress.knowledge.ports import Embedder, Vectors
from buttress.knowledge.settings import EmbedderSettings

if TYPE_CHECKING:  # loaded with the model, not before
    import numpy.typing as npt
    from numpy import int64
    from tokenizers import Tokenizer

T = TypeVar("T")

_POOLING = "mean over tokens, unit length"
_CHARACTERS_PER_TOKEN = 64
"""A text longer than this times the model's longest is cut before it is looked at: the rest cannot count."""


def open_embedder(settings: EmbedderSettings) -> "OnnxEmbedder":
    """Load the model that `settings` names. Blocking: about half a second.

    Raises:
        EmbedderMissing: its files are not there.
        EmbedderBroken: they are not an embedding model and its tokenizer.
        ExtraMissing: onnxruntime, tokenizers or numpy is not installed.
    """
    files = model_in(Path(settings.folder)) if settings.folder else packaged_model()
    return OnnxEmbedder(files, settings)


class SharedEmbedder:
    """One model for all who need it in a process: loaded when the first one asks. Close it at the end."""

    def __init__(self, settings: EmbedderSettings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._embedder: OnnxEmbedder | None = None

    async def __call__(self) -> Embedder:
        """Return the model, loading it in a thread if need be; see `open_embedder` for what it raises."""
        async with self._lock:
            if self._embedder is None:
                self._embedder = await asyncio.to_thread(open_embedder, self._settings)
            return self._embedder

    def close(self) -> None:
        """End the model's threads, if it was loaded."""
        if self._embedder:
            self._embedder.close()


class OnnxEmbedder:
    """An `Embedder` of model.onnx and tokenizer.json. Close it to end its threads."""

    def __init__(self, files: ModelFiles, settings: EmbedderSettings) -> None:
        _require("numpy", "onnxruntime", "tokenizers")
        _keep_quiet()
        self._name = files.name
        self._fingerprint = content_hash(*files.sha256, _POOLING, str(settings.max_tokens))
        self._max_tokens = settings.max_tokens
        self._lock = threading.Lock()
        self._tokens_embedded = 0
        self._threads = ThreadPoolExecutor(settings.threads or os.cpu_count() or 1, "embed")
        self._failures = _failures()
        self._session = self._loaded(lambda: _session(files.model), files.model)
        self._inputs = frozenset(one.name for one in self._session.get_inputs())
        self._whole = self._loaded(lambda: _tokenizer(files.tokenizer, None), files.tokenizer)
        self._cut = self._loaded(lambda: _tokenizer(files.tokenizer, settings.max_tokens), files.tokenizer)
        self._dimensions = len(self._loaded(lambda: self._vector("dimensions"), files.model))

    @property
    def name(self) -> str:
        """See `Embedder.name`."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """See `Embedder.fingerprint`."""
        return self._fingerprint

    @property
    def dimensions(self) -> int:
        """See `Embedder.dimensions`."""
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        """See `Embedder.max_tokens`."""
        return self._max_tokens

    @property
    def tokens_embedded(self) -> int:
        """See `Embedder.tokens_embedded`."""
        return self._tokens_embedded

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        import numpy as np  # noqa: PLC0415 - heavy

        # One text, a question most of the time, does not queue behind the thousands of an ingest.
        run = map if len(texts) == 1 else self._threads.map
        try:
            vectors = list(run(self._vector, texts))
        except self._failures as error:
            raise EmbedderBroken(f"{self._name} could not run: {_one_line(error)}") from error
        return np.array(vectors, np.float32).reshape(-1, self._dimensions)

    def token_starts(self, text: str) -> Sequence[int]:
        """See `Embedder.token_starts`."""
        encoded = self._whole.encode(_speakable(text), add_special_tokens=False)
        return [start for start, _ in encoded.offsets]

    def close(self) -> None:
        """End its threads; what they work on is finished first."""
        self._threads.shutdown()

    def _loaded(self, load: Callable[[], T], path: Path) -> T:
        """Return what `load` returns. The libraries raise bare exceptions of many kinds, all alike."""
        future = self._threads.submit(load)
        error = future.exception()
        if error is None:
            return future.result()
        self._threads.shutdown(wait=False)
        raise EmbedderBroken(f"{path} is no embedding model: {_one_line(error)}") from error

    def _vector(self, text: str) -> Vectors:
        import numpy as np  # noqa: PLC0415 - heavy

        # What is cut here is far beyond the longest text, and would only cost time.
        clipped = _speakable(text[: self._max_tokens * _CHARACTERS_PER_TOKEN])
        ids = np.array([self._cut.encode(clipped).ids], np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        (output, *_) = self._session.run(None, {name: inputs[name] for name in self._inputs})
        # Without padding every token counts, so the mean needs no mask; a pooled output has no tokens.
        mean = output[0].mean(axis=0) if output.ndim == 3 else output[0]
        norm = np.linalg.norm(mean)
        with self._lock:
            self._tokens_embedded += ids.size
        vector: Vectors = (mean / norm if norm > 0 else mean).astype(np.float32)
        return vector


class _Input(Protocol):
    @property
    def name(self) -> str: ...


class _Session(Protocol):
    """What is used of onnxruntime's InferenceSession, which ships no types."""

    def get_inputs(self) -> Sequence[_Input]: ...

    def run(self, outputs: None, inputs: "Mapping[str, npt.NDArray[int64]]") -> "Sequence[Vectors]": ...


def _keep_quiet() -> None:
    """Tell onnxruntime not to report to its maker, which it begins with when it is imported."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # noqa: TID251 - told, not read; there is no other way before the import


def _session(model: Path) -> _Session:
    import onnxruntime  # noqa: PLC0415 - heavy

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps what the longest text needed, for ever
    options.log_severity_level = 3  # errors; the rest is said by what is raised
    session: _Session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session


def _failures() -> tuple[type[Exception], ...]:
    """Return what a run may raise: onnxruntime's errors share no class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415 - heavy

    return tuple(one for one in vars(state).values() if isinstance(one, type) and issubclass(one, Exception))


def _tokenizer(path: Path, max_tokens: int | None) -> "Tokenizer":
    from tokenizers import Tokenizer  # noqa: PLC0415 - heavy

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if max_tokens:
        tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _require(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise ExtraMissing(f"the embedding model needs a package that is not installed: {package}")


def _speakable(text: str) -> str:
    """Return `text` with what is no valid Unicode (half a surrogate pair) replaced, of the same length."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _one_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
