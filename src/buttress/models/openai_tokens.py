"""OpenAI's tokenizers, which come with the package bpe-openai and need no network: its adapter."""

from collections.abc import Callable
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Protocol

from buttress.kernel.tokens import TokenCounter

_ENCODINGS = {
    "gpt-3.5-": "cl100k_base",
    "gpt-4-": "cl100k_base",
    "gpt-4o": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4.5": "o200k_base",
    "gpt-5": "o200k_base",
    "chatgpt-4o": "o200k_base",
    "gpt-oss-": "o200k_base",
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4-": "o200k_base",
}
"""Beginnings of the ids of models, and what they count with."""


def encoding_of(model_id: str) -> str | None:
    """Return what the OpenAI model of that id counts with; None for one that is not known.

    Known are also fine-tuned ones (`ft:gpt-4o-mini:…`) and ids with a vendor before them (`openai/gpt-4o`).
    """
    name = model_id.rpartition("/")[2].removeprefix("ft:")
    if name == "gpt-4":
        return "cl100k_base"
    return next((encoding for begin, encoding in _ENCODINGS.items() if name.startswith(begin)), None)


def load_openai_counter(encoding: str) -> TokenCounter:
    """Return the counter of an encoding. The first one takes 0.1 s, and 70 MB for good.

    Raises:
        ModuleNotFoundError: bpe-openai is not installed.
    """
    return _OpenAITokens(_tokenizers()(encoding))


@lru_cache(1)
def _tokenizers() -> "Callable[[str], _Encoding]":
    """Return what makes a tokenizer: the package's compiled half, 74 MB.

    Its Python half is left alone: it reads every vocabulary once more when it is imported.
    """
    package = find_spec("bpe_openai")
    found = PathFinder.find_spec("_bindings", package.submodule_search_locations) if package else None
    if found is None or found.loader is None:
        raise ModuleNotFoundError("bpe-openai is not installed, or has no compiled half")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    tokenizer_for_encoding: Callable[[str], _Encoding] = vars(module)["tokenizer_for_encoding"]
    return tokenizer_for_encoding


class _Encoding(Protocol):
    """What is used of `bpe_openai._bindings.PyTokenizer`."""

    def count(self, text: str) -> int: ...


class _OpenAITokens:
    """A `TokenCounter`. Marks such as `<|endoftext|>` are counted as the text that they are in a message."""

    def __init__(self, encoding: _Encoding) -> None:
        self._encoding = encoding

    def count(self, text: str) -> int:
        """See `TokenCounter.count`; exact, as a text of a message."""
        return self._encoding.count(text.encode("utf-8", "replace").decode())
