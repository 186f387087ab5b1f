"""The settings of this room."""

import msgspec
import pytest

from buttress.knowledge.settings import EngineSettings, RerankerSettings


def test_each_stage_has_a_budget_of_its_own() -> None:
    """Where none is set, that of all stages."""
    settings = EngineSettings(stage_timeout_s=3, rerank_timeout_s=0.5, embed_timeout_s=1)
    stages = ("embed", "dense", "bm25", "rerank", "dedup", "words")
    assert [settings.budget_s(one) for one in stages] == [1, 3, 3, 0.5, 3, 3]


@pytest.mark.parametrize("key", ["sk-123", "env:", "my key"])
def test_a_key_is_written_as_a_reference(key: str) -> None:
    """So that none is in a file that is in git."""
    assert msgspec.convert({"key": "env:COHERE_API_KEY"}, RerankerSettings).key
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"key": key}, RerankerSettings)
