"""Prompting: a release's prompt is read once, and the window is that of its smallest model."""

import msgspec
import pytest

from buttress.gateway.prompting import prompt_of, window_of
from buttress.prompts.packing import FORMAT_TOKENS, Window
from tests.unit.gateway.world import a_model, a_release


def test_a_prompt_is_read_once_for_all_releases_that_have_it() -> None:
    first, second = a_release(), a_release(description="Another.")
    assert prompt_of(first, "answer.md") is prompt_of(second, "answer.md")
    assert [one.role for one in prompt_of(first, "answer.md").sections] == ["system", "user"]
    with pytest.raises(KeyError):
        prompt_of(first, "other.md")


def test_what_fits_the_window_fits_every_model() -> None:
    models = [
        msgspec.structs.replace(a_model("http://127.0.0.1:9/v1"), window_tokens=size)
        for size in (8_192, 2_048, 4_096)
    ]
    assert window_of(models, 300) == Window(
        window_tokens=2_048, answer_tokens=300, format_tokens=FORMAT_TOKENS
    )
