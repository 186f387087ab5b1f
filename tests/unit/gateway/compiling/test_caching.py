"""The `cache` of a feature."""

from pathlib import Path

import msgspec
import pytest

from buttress.gateway.compiling.caching import compile_cache
from buttress.gateway.compiling.feature import compile_feature
from buttress.kernel.cached import CachePolicy, SemanticPolicy
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, parse_yaml
from buttress.releases.types import Chat, GenerateStage, Release
from tests.unit.gateway.compiling.conftest import WriteFeature

WRITE = GenerateStage(name="write", prompt="answer.md", ladder="answers", max_tokens=100)
CHAT = Chat(question="question")


def compiled(
    text: str, chat: Chat | None = CHAT, stage: GenerateStage = WRITE
) -> CachePolicy | list[Mistake] | None:
    """Return what becomes of the text of a feature.yaml."""
    located = parse_yaml(text or "{}", Path("feature.yaml"))
    assert isinstance(located, Located)
    return compile_cache(located, chat, [stage])


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        pytest.param("", None, id="without it, nothing is kept"),
        pytest.param("cache: {}", CachePolicy(), id="for an hour, by everybody, until something changes"),
        pytest.param(
            "cache: {ttl_s: 60, level: process, invalidate: cited, replay: paced}",
            CachePolicy(ttl_s=60, level="process", invalidate="cited", replay="paced"),
            id="as declared",
        ),
        pytest.param(
            "cache: {semantic: {threshold: 0.9}}",
            CachePolicy(semantic=SemanticPolicy(threshold=0.9, mode="shadow")),
            id="what means the same, first in the shadow",
        ),
    ],
)
def test_what_is_declared(text: str, policy: CachePolicy | None) -> None:
    assert compiled(text) == policy


def mistakes(found: object) -> list[str]:
    """Return the mistakes, each with its line."""
    assert isinstance(found, list)
    return [f"{one.where.line}: {one.message}" for one in found]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("cache: {ttl: 60}", "ttl", id="an unknown key"),
        pytest.param("cache: {ttl_s: 0}", "at least 1", id="no time at all"),
        pytest.param("cache: {level: everywhere}", "everywhere", id="an unknown level"),
        pytest.param(
            "cache:\n  level: process\n  semantic: {}",
            "2: cache: what means the same is found in PostgreSQL",
            id="nowhere to look",
        ),
        pytest.param("cache: {semantic: {threshold: 2}}", "at most 1", id="no cosine"),
    ],
)
def test_mistakes_name_the_place(text: str, message: str) -> None:
    assert message in " ".join(mistakes(compiled(text)))


def test_answers_that_differ_from_time_to_time_are_kept_only_where_that_is_meant() -> None:
    warm = msgspec.structs.replace(WRITE, temperature=0.7)
    assert "temperature of 0.7" in mistakes(compiled("cache: {}", stage=warm))[0]
    assert compiled("cache: {sampled: true}", stage=warm) == CachePolicy(sampled=True)


def test_without_a_question_nothing_means_the_same() -> None:
    assert "which property" in mistakes(compiled("cache: {semantic: {}}", chat=None))[0]


def test_it_becomes_part_of_the_release(
    write_feature: WriteFeature, feature_files: dict[str, str], catalogue: Catalogue
) -> None:
    plain = compile_feature(write_feature(feature_files), catalogue, ["handbook"])
    feature_files["feature.yaml"] += "cache: {ttl_s: 60}\n"
    kept = compile_feature(write_feature(feature_files, "kept"), catalogue, ["handbook"])
    assert isinstance(plain, Release)
    assert isinstance(kept, Release)
    assert (plain.cache, kept.cache) == (None, CachePolicy(ttl_s=60))
