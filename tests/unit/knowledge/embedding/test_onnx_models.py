"""ONNX models and their tokenizers, opened."""

from pathlib import Path

import numpy as np
import pytest

from buttress.knowledge.embedding.onnx_models import (
    inputs_of,
    one_line,
    open_session,
    open_tokenizer,
    require_onnx,
    run_failures,
    speakable,
)
from tests.unit.knowledge.reranking.tiny import write_cross_encoder


def test_a_model_runs(tmp_path: Path) -> None:
    session = open_session(write_cross_encoder(tmp_path) / "model.onnx")
    names = [one.name for one in session.get_inputs()]
    assert names == ["input_ids", "token_type_ids"]
    (logits,) = session.run(None, inputs_of(names, [1, 5, 2, 5, 2], [0, 0, 0, 1, 1]))
    assert logits.tolist() == [[-1.0]]  # two tokens shared, less 3


def test_what_a_run_may_raise_is_known(tmp_path: Path) -> None:
    session = open_session(write_cross_encoder(tmp_path) / "model.onnx")
    with pytest.raises(run_failures()) as raised:
        session.run(None, inputs_of(["input_ids", "token_type_ids"], [1, 2], [0, 0, 0]))
    assert "\n" not in one_line(raised.value)


def test_a_model_is_given_what_it_takes() -> None:
    """Without a second text all tokens are of the first."""
    given = inputs_of(["attention_mask", "token_type_ids"], [7, 8])
    assert {name: one.tolist() for name, one in given.items()} == {
        "attention_mask": [[1, 1]],
        "token_type_ids": [[0, 0]],
    }
    assert inputs_of(["input_ids"], [7, 8])["input_ids"].dtype == np.int64


@pytest.mark.parametrize(("max_tokens", "count"), [(None, 42), (8, 8)])
def test_a_tokenizer_pads_nothing(tmp_path: Path, max_tokens: int | None, count: int) -> None:
    tokenizer = open_tokenizer(write_cross_encoder(tmp_path) / "tokenizer.json", max_tokens)
    assert len(tokenizer.encode("word " * 40).ids) == count
    assert len(tokenizer.encode("word").ids) == 3


@pytest.mark.parametrize(
    ("text", "expected"), [("plain", "plain"), ("é 😀", "é 😀"), ("\ud800 half", "? half")]
)
def test_text_that_is_no_unicode_keeps_its_length(text: str, expected: str) -> None:
    assert speakable(text) == expected


def test_an_error_without_words_has_its_name() -> None:
    assert one_line(ValueError(" \n")) == "ValueError"
    assert one_line(ValueError("first\nsecond")) == "first"


def test_what_is_needed_is_here() -> None:
    require_onnx()
