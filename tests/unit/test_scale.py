"""The benchmark of many chunks, with few of them: that it measures what it says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "scale.py"
    spec = importlib.util.spec_from_file_location("scale", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
async def test_every_kind_is_measured_and_nothing_is_missed(tmp_path: Path) -> None:
    """No stage is skipped: one that is has no time in the figures."""
    scale = load()
    figures = await scale.measure_scale(
        tmp_path, scale.Shape(chunks=400, tenants=10, questions=3, loading_s=0)
    )
    assert figures.recall == (1, 1)
    assert [one.what for one in figures.timed] == [
        "one tenant of 10",
        "few rows",
        "the same, re-ranked",
        "all rows",
    ]
    for one in figures.timed:
        assert {"embed", "dense", "bm25"} < set(one.stages)
        assert ("rerank" in one.stages) == ("re-ranked" in one.what)
        assert one.whole[1] >= one.first[1] > 0
