"""ONNX models and their tokenizers, opened. The adapter of onnxruntime and tokenizers."""

import os
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from buttress.knowledge.errors import ExtraMissing
from buttress.knowledge.ports import Vectors

if TYPE_CHECKING:  # loaded with the model, not before
    import numpy.typing as npt
    from numpy import int64
    from tokenizers import Tokenizer

CHARACTERS_PER_TOKEN = 64
"""A text longer than this times its tokens is cut before it is looked at: the rest cannot count."""


class Input(Protocol):
    """One of the values that a model takes."""

    @property
    def name(self) -> str:
        """What the model calls it."""
        ...


class Session(Protocol):
    """What is used of onnxruntime's InferenceSession. Safe to use from many threads at once."""

    def get_inputs(self) -> Sequence[Input]:
        """Return what the model takes."""
        ...

    def run(self, outputs: None, inputs: "Mapping[str, npt.NDArray[int64]]") -> Sequence[Vectors]:
        """Return all that the model gives for `inputs`."""
        ...


def require_onnx() -> None:
    """Check that what models need is installed; nothing is imported.

    Raises:
        ExtraMissing: it names the package.
    """
    for package in ("numpy", "onnxruntime", "tokenizers"):
        if find_spec(package) is None:
            raise ExtraMissing(f"the model needs a package that is not installed: {package}")


def open_session(model: Path) -> Session:
    """Load a model that runs on one thread for each run. Raises bare exceptions of many kinds."""
    _keep_quiet()
    import onnxruntime  # noqa: PLC0415 - heavy

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps what the longest text needed, for ever
    options.log_severity_level = 3  # errors; the rest is said by what is raised
    session: Session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session


def _keep_quiet() -> None:
    """Tell onnxruntime not to report to its maker, which it begins with when it is imported."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # noqa: TID251 - told, not read; there is no other way before the import


def run_failures() -> tuple[type[Exception], ...]:
    """Return what a run may raise: onnxruntime's errors share no class of their own."""
    _keep_quiet()
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415 - heavy

    return tuple(one for one in vars(state).values() if isinstance(one, type) and issubclass(one, Exception))


def open_tokenizer(path: Path, max_tokens: int | None) -> "Tokenizer":
    """Load a tokenizer that pads nothing, and cuts behind `max_tokens`. Raises bare exceptions."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - heavy

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if max_tokens:
        tokenizer.enable_truncation(max_tokens)
    return tokenizer


def inputs_of(
    names: Collection[str], ids: Sequence[int], kinds: Sequence[int] = ()
) -> "dict[str, npt.NDArray[int64]]":
    """Return what a model that takes `names` is given for one text of token `ids`.

    `kinds` of a pair say which text each token is of. Raises `KeyError` for a name that nobody knows.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    tokens = np.array([ids], np.int64)
    known = {
        "input_ids": tokens,
        "attention_mask": np.ones_like(tokens),
        "token_type_ids": np.array([kinds], np.int64) if kinds else np.zeros_like(tokens),
    }
    return {one: known[one] for one in names}


def speakable(text: str) -> str:
    """Return `text` with what is no valid Unicode (half a surrogate pair) replaced, of the same length."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def one_line(error: BaseException) -> str:
    """Return what `error` says in one line."""
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
