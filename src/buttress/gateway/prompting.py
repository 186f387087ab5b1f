"""The prompts of a release, read; and the window that they are filled into. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from buttress.kernel.catalogue import Model
from buttress.prompts.packing import FORMAT_TOKENS, Window
from buttress.prompts.templates import parse_prompt
from buttress.prompts.types import Prompt
from buttress.releases.types import Release


def prompt_of(release: Release, name: str) -> Prompt:
    """Return the prompt of `release` that is called `name`."""
    return _parsed(name, release.prompts[name])


@lru_cache(maxsize=256)
def _parsed(name: str, text: str) -> Prompt:
    prompt = parse_prompt(text, Path(name))
    assert isinstance(prompt, Prompt), name  # noqa: S101 - a release with a prompt that does not parse was never made
    return prompt


def window_of(models: Iterable[Model], answer_tokens: int) -> Window:
    """Return the smallest window of `models`: what fits it fits every rung, with so long an answer."""
    smallest = min(model.window_tokens for model in models)
    return Window(window_tokens=smallest, answer_tokens=answer_tokens, format_tokens=FORMAT_TOKENS)
