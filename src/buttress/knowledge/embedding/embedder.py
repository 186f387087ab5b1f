"""Texts into vectors with an ONNX model on this machine.

One text a run, as many Python threads as cores over one shared session of one thread each: on CPUs that is
faster than any batch (10,000 tokens a second against 2,300 in padded batches of 32), needs no padding and
little memory, and makes the vector of a text independent of what else is embedded.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from buttress.kernel.ids import content_hash
from buttress.knowledge.embedding.model_files import ModelFiles, model_in, packaged_model
from buttress.knowledge.embedding.onnx_models import (
    CHARACTERS_PER_TOKEN,
    inputs_of,
    one_line,
    open_session,
    open_tokenizer,
    require_onnx,
    run_failures,
    speakable,
)
from buttress.knowledge.errors import EmbedderBroken, RerankerBroken
from buttress.knowledge.ports import Embedder, Vectors
from buttress.knowledge.settings import EmbedderSettings

T = TypeVar("T")

_POOLING = "mean over tokens, unit length"
_WITH_TOKENS = 3
"""How many dimensions a model's output has: text, token, number; without tokens two."""


def open_embedder(settings: EmbedderSettings) -> "OnnxEmbedder":
    """Load the model that `settings` names. Blocking: about half a second.

    Raises:
        EmbedderMissing: its files are not there.
        EmbedderBroken: they are not an embedding model and its tokenizer.
        ExtraMissing: onnxruntime, tokenizers or numpy is not installed.
    """
    return OnnxEmbedder(_files(settings), settings)


def fingerprint_of(settings: EmbedderSettings) -> str:
    """Return the fingerprint of the model that `settings` names, without loading it. Blocking: it is hashed.

    Raises:
        EmbedderMissing, EmbedderBroken: its files are not there, or not the right ones.
    """
    return _fingerprint(_files(settings), settings)


def _files(settings: EmbedderSettings) -> ModelFiles:
    return model_in(Path(settings.folder)) if settings.folder else packaged_model()


def _fingerprint(files: ModelFiles, settings: EmbedderSettings) -> str:
    return content_hash(*files.sha256, _POOLING, str(settings.max_tokens))


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

    async def fingerprint(self) -> str:
        """Return the model's fingerprint; it is not loaded for that. See `fingerprint_of`."""
        return await asyncio.to_thread(fingerprint_of, self._settings)

    def close(self) -> None:
        """End the model's threads, if it was loaded."""
        if self._embedder:
            self._embedder.close()


class OnnxEmbedder:
    """An `Embedder` of model.onnx and tokenizer.json. Close it to end its threads."""

    def __init__(self, files: ModelFiles, settings: EmbedderSettings) -> None:
        require_onnx()
        self._name = files.name
        self._fingerprint = _fingerprint(files, settings)
        self._max_tokens = settings.max_tokens
        self._lock = threading.Lock()
        self._tokens_embedded = 0
        self._last: tuple[Sequence[int], Vectors] | None = None
        self._threads = ThreadPoolExecutor(settings.threads or os.cpu_count() or 1, "embed")
        self._failures = run_failures()
        self._session = self._loaded(lambda: open_session(files.model), files.model)
        self._inputs = frozenset(one.name for one in self._session.get_inputs())
        self._whole = self._loaded(lambda: open_tokenizer(files.tokenizer, None), files.tokenizer)
        self._cut = self._loaded(
            lambda: open_tokenizer(files.tokenizer, settings.max_tokens), files.tokenizer
        )
        probe = self._loaded(lambda: self._read("dimensions"), files.model)
        self._dimensions, self._gives_tokens = len(_pooled(probe)), probe.ndim == _WITH_TOKENS

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

    @property
    def gives_tokens(self) -> bool:
        """See `TokenEmbedder.gives_tokens`."""
        return self._gives_tokens

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        return self._stacked(self._each(lambda text: _pooled(self._read(text)), texts))

    def embed_with_tokens(
        self, texts: Sequence[str], reduce: Callable[[Vectors], bytes]
    ) -> tuple[Vectors, list[bytes]]:
        """See `TokenEmbedder.embed_with_tokens`."""

        def both(text: str) -> tuple[Vectors, bytes]:
            output = self._read(text)
            return _pooled(output), reduce(_unit_rows(output[0]))

        pairs = self._each(both, texts)
        return self._stacked([vector for vector, _ in pairs]), [tokens for _, tokens in pairs]

    def token_starts(self, text: str) -> Sequence[int]:
        """See `Embedder.token_starts`."""
        encoded = self._whole.encode(speakable(text), add_special_tokens=False)
        return [start for start, _ in encoded.offsets]

    def token_ids(self, text: str) -> Sequence[int]:
        """See `TokenEmbedder.token_ids`."""
        ids: list[int] = self._whole.encode(speakable(text)).ids
        return ids

    def token_vectors(self, ids: Sequence[int]) -> Vectors:
        """See `TokenEmbedder.token_vectors`."""
        last = self._last  # a search embeds its question, then re-ranks by the question's tokens
        try:
            output = last[1] if last and last[0] == ids else self._run(ids)
        except self._failures as error:
            raise EmbedderBroken(f"{self._name} could not run: {one_line(error)}") from error
        if output.ndim != _WITH_TOKENS:
            raise RerankerBroken(f"{self._name} gives no vectors of tokens: it cannot re-rank")
        return _unit_rows(output[0])

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
        raise EmbedderBroken(f"{path} is no embedding model: {one_line(error)}") from error

    def _each(self, work: Callable[[str], T], texts: Sequence[str]) -> list[T]:
        """Return what `work` gives for each of `texts`, in the threads.

        Raises:
            EmbedderBroken: the model could not run.
        """
        # One text, a question most of the time, does not queue behind the thousands of an ingest.
        run = map if len(texts) == 1 else self._threads.map
        try:
            return list(run(work, texts))
        except self._failures as error:
            raise EmbedderBroken(f"{self._name} could not run: {one_line(error)}") from error

    def _stacked(self, vectors: Sequence[Vectors]) -> Vectors:
        """Return one array of `vectors`.

        Raises:
            EmbedderBroken: they are not all of the length that the model gave when it was opened.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        other = next((len(one) for one in vectors if len(one) != self._dimensions), None)
        if other is not None:
            raise EmbedderBroken(
                f"{self._name} gave {other:,} numbers for one text, and {self._dimensions:,} for another",
                hint="A text needs a vector of the same length as every other: name another model.",
            )
        return np.array(vectors, np.float32).reshape(-1, self._dimensions)

    def _read(self, text: str) -> Vectors:
        """Return what the model gives for `text`."""
        # What is cut here is far beyond the longest text, and would only cost time.
        ids = self._cut.encode(speakable(text[: self._max_tokens * CHARACTERS_PER_TOKEN])).ids
        output = self._run(ids)
        self._last = ids, output
        with self._lock:
            self._tokens_embedded += len(ids)
        return output

    def _run(self, ids: Sequence[int]) -> Vectors:
        return self._session.run(None, inputs_of(self._inputs, ids))[0]


def _pooled(output: Vectors) -> Vectors:
    """Return the vector of a text, of length 1, out of what the model gave for it."""
    import numpy as np  # noqa: PLC0415 - heavy

    with np.errstate(all="ignore"):  # what is no number then is found where vectors are checked
        # Without padding every token counts, so the mean needs no mask; a pooled output has no tokens.
        mean = output[0].mean(axis=0) if output.ndim == _WITH_TOKENS else output[0]
        norm = np.linalg.norm(mean)
        vector: Vectors = (mean / norm if norm > 0 else mean).astype(np.float32)
    return vector


def _unit_rows(output: Vectors) -> Vectors:
    import numpy as np  # noqa: PLC0415 - heavy

    rows = output.astype(np.float32)
    with np.errstate(all="ignore"):
        vectors: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return vectors
