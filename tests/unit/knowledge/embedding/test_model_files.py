"""Where the model is, and whether it is the right one."""

from pathlib import Path

import pytest

from buttress.knowledge.embedding.model_files import model_in, packaged_model
from buttress.knowledge.errors import EmbedderMissing


def test_the_packaged_model_is_found_and_whole() -> None:
    files = packaged_model()
    assert files.model.stat().st_size > 20_000_000
    assert files.tokenizer.stat().st_size > 100_000


def test_a_folder_with_both_files_is_a_model(tmp_path: Path) -> None:
    """Its name is the folder's; other bytes are another model."""
    (tmp_path / "model.onnx").write_bytes(b"m")
    (tmp_path / "tokenizer.json").write_bytes(b"t")
    first = model_in(tmp_path)
    assert first.name == tmp_path.name
    (tmp_path / "tokenizer.json").write_bytes(b"u")
    assert model_in(tmp_path).sha256 != first.sha256


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    """With what to do about it."""
    for name in ("model.onnx", "tokenizer.json"):
        if name != missing:
            (tmp_path / name).write_bytes(b"x")
    with pytest.raises(EmbedderMissing, match=missing) as error:
        model_in(tmp_path)
    assert "buttress[local]" in error.value.hint
