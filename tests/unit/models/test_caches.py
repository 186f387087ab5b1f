"""The `cache` of models and ladders."""

from pathlib import Path

import pytest

from buttress.kernel.cached import KeepPolicy
from buttress.kernel.catalogue import Catalogue
from buttress.models.declaration import read_catalogue

PATH = Path("models.yaml")
PROVIDERS = {"openai", "extractive", "embeddings", "rerank"}
FILE = """\
models:
  small: {{provider: openai, id: x, base_url: "http://127.0.0.1:9", {small}}}
  vectors: {{provider: embeddings, id: x, base_url: "http://127.0.0.1:9", {vectors}}}
  quotes: {{provider: extractive, {quotes}}}
ladders:
  plain: [small]
  answers: {{rungs: [small, quotes], {answers}}}
  found: {{rungs: [vectors], {found}}}
"""
NOTHING = {"small": "", "vectors": "", "quotes": "", "answers": "", "found": ""}


def test_without_a_word_nothing_is_kept() -> None:
    read = read_catalogue(FILE.format_map(NOTHING), PATH, PROVIDERS)
    assert isinstance(read, Catalogue)
    assert read.caches == {}


def test_a_model_and_a_ladder_say_how_their_answers_are_kept() -> None:
    said = {
        "small": "cache: {}",
        "answers": "cache: {ttl_s: 60, level: process, sampled: true, replay: paced}",
    }
    read = read_catalogue(FILE.format_map(NOTHING | said), PATH, PROVIDERS)
    assert isinstance(read, Catalogue)
    assert read.caches == {
        "small": KeepPolicy(),
        "answers": KeepPolicy(ttl_s=60, level="process", sampled=True, replay="paced"),
    }


@pytest.mark.parametrize(
    ("name", "cache", "line", "part"),
    [
        pytest.param("small", "{ttl_s: 0}", 2, "cache.ttl_s: expected at least 1", id="no time"),
        pytest.param("small", "{level: worker}", 2, "cache.level", id="no such level"),
        pytest.param("small", "{invalidate: cited}", 2, "`invalidate`", id="what only a feature has"),
        pytest.param("small", "{semantic: {}}", 2, "`semantic`", id="nor by their meaning"),
        pytest.param("small", "yes", 2, "cache: expected keys with values", id="no mapping"),
        pytest.param("vectors", "{}", 3, "models.vectors.cache: only what a model says", id="vectors"),
        pytest.param("quotes", "{}", 4, "models.quotes.cache: only what a model says", id="quotes"),
        pytest.param("answers", "{sampled: 1}", 7, "cache.sampled", id="of a ladder"),
        pytest.param(
            "found", "{}", 8, "ladders.found.cache: only what a model says", id="a ladder of vectors"
        ),
    ],
)
def test_a_mistake_names_its_line(name: str, cache: str, line: int, part: str) -> None:
    read = read_catalogue(FILE.format_map(NOTHING | {name: f"cache: {cache}"}), PATH, PROVIDERS)
    assert isinstance(read, list)
    assert [(one.where.line, part in one.message) for one in read] == [(line, True)], read
