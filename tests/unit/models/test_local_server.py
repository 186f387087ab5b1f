"""The adapter of xllamacpp; tests/unit/app runs it in processes of its own."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from buttress.models.errors import LocalModelBroken
from buttress.models.local_server import LocalRun, require_runtime, start_local_server

needs_runtime = pytest.mark.skipif(
    find_spec("xllamacpp") is None, reason="xllamacpp is not installed: make setup"
)


@needs_runtime
def test_the_runtime_is_there() -> None:
    require_runtime()


@needs_runtime
@pytest.mark.slow
def test_a_damaged_file_is_told_by_the_name_of_its_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF" + bytes(1_000))
    run = LocalRun(name="small", path=path, window_tokens=512, parallel=2, threads=1, token="t")
    with pytest.raises(LocalModelBroken, match=r"small cannot be loaded: .* 2 x 512 tokens") as raised:
        start_local_server(run)
    assert "mine.gguf" not in raised.value.message
