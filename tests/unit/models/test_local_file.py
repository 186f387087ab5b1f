"""The file of a local model."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from buttress.kernel.catalogue import Model
from buttress.models.errors import LocalModelBroken, LocalModelMissing
from buttress.models.local_file import PACKAGE, local_file


def model(path: str = "") -> Model:
    return Model(name="small", provider="local", path=path)


def test_a_path_is_taken_from_the_folder_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.gguf").write_bytes(b"GGUF and more")
    assert local_file(model("models/mine.gguf"), tmp_path) == tmp_path / "models" / "mine.gguf"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", LocalModelBroken, id="empty"),
        pytest.param(b"GGU", LocalModelBroken, id="too short"),
        pytest.param(b"PK\3\4 a zip", LocalModelBroken, id="something else"),
        pytest.param(None, LocalModelMissing, id="not there"),
    ],
)
def test_what_is_no_gguf_is_refused_without_telling_its_path(
    tmp_path: Path, content: bytes | None, error: type[LocalModelBroken | LocalModelMissing]
) -> None:
    if content is not None:
        (tmp_path / "mine.gguf").write_bytes(content)
    with pytest.raises(error) as raised:
        local_file(model("mine.gguf"), tmp_path)
    assert "small" in raised.value.message
    assert "mine.gguf" not in raised.value.message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(LocalModelMissing):
        local_file(model("."), tmp_path)


@pytest.mark.skipif(find_spec(PACKAGE) is None, reason=f"{PACKAGE} is not installed: make setup")
def test_without_a_path_it_is_the_packaged_one(tmp_path: Path) -> None:
    assert local_file(model(), tmp_path).suffix == ".gguf"
