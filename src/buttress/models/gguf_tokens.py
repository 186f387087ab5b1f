"""The tokenizer that a GGUF file holds, run by the package tokenizers: its adapter."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from buttress.kernel.tokens import TokenCounter
from buttress.models.gguf_head import Vocabulary, read_vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_CUTS: Mapping[str, tuple[str, ...]] = {"gpt-2": (_GPT2,), "smollm": (r"\p{N}", _GPT2)}
"""How a text is cut before pairs are merged, one cut after the other, by llama.cpp's name for it."""

_LONGEST = 200_000
"""Characters that are counted, in up to 0.1 s; a longer text is taken for as many tokens as it has bytes."""

_REMEMBERED = 256
"""Texts whose count is kept: turns and passages come again, and a prompt is counted more than once."""


def load_gguf_counter(path: Path) -> TokenCounter | None:
    """Return the counter of the model in the file at `path`; None where we cannot run its tokenizer.

    Takes a third of a second for 49,000 tokens.

    Raises:
        OSError: the file cannot be read.
    """
    if find_spec("tokenizers") is None:
        return None
    found = read_vocabulary(path)
    if found is None or found.model != "gpt2" or found.pre not in _CUTS:
        return None
    return _GgufTokens(_tokenizer(found))


class _GgufTokens:
    """A `TokenCounter`. Marks such as `<|im_end|>` are counted as text: the model sees fewer, never more."""

    def __init__(self, tokenizer: "Tokenizer") -> None:
        self._tokenizer = tokenizer
        self._remembered = lru_cache(_REMEMBERED)(self._exactly)

    def count(self, text: str) -> int:
        """See `TokenCounter.count`."""
        as_bytes = text.encode("utf-8", "replace")
        return len(as_bytes) if len(text) > _LONGEST else self._remembered(as_bytes.decode())

    def _exactly(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _tokenizer(found: Vocabulary) -> "Tokenizer":
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers  # noqa: PLC0415 - only for local models

    vocabulary = {token: at for at, token in enumerate(found.tokens)}
    merges = [(first, second) for first, _, second in (merge.partition(" ") for merge in found.merges)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    cuts = [pre_tokenizers.Split(Regex(cut), "isolated") for cut in _CUTS[found.pre]]
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*cuts, as_bytes])
    return tokenizer
