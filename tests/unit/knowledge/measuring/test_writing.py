"""The choice of a tuning into a declaration: what else stands there stays, to the character."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.declaration import read_knowledge_base
from buttress.knowledge.measuring.errors import DeclarationUneditable
from buttress.knowledge.measuring.recipes import recipes
from buttress.knowledge.measuring.writing import edited
from buttress.knowledge.types import KnowledgeBase, SearchSettings

HEAD = "# Who reads what\nsources:\n  - {folder: documents, readers: ['*']}  # all\n"
CHOSEN = SearchSettings(fusion="dbsf", dense_share=0.6, calibration=(-3.5, 7.25))


def _edited(folder: Path, text: str, search: SearchSettings = CHOSEN) -> str:
    path = folder / "docs.yaml"
    path.write_text(text, "utf-8", newline="")
    return edited(path, search).after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        pytest.param(
            HEAD,
            HEAD + "search:\n  fusion: dbsf\n  dense_share: 0.6\n  calibration: [-3.5, 7.25]\n",
            id="no search yet",
        ),
        pytest.param(
            HEAD.removesuffix("\n"),
            HEAD + "search:\n  fusion: dbsf\n  dense_share: 0.6\n  calibration: [-3.5, 7.25]\n",
            id="no line break at the end",
        ),
        pytest.param(
            f"search:\n    fusion: rrf   # why\n    # share\n    dense_share: 0.3\n\n{HEAD}",
            "search:\n    fusion: dbsf   # why\n    # share\n    dense_share: 0.6\n"
            f"    calibration: [-3.5, 7.25]\n\n{HEAD}",
            id="a block with comments, before the rest",
        ),
        pytest.param(
            f"{HEAD}search:\n  calibration:\n  - -1\n  - 2\n",
            f"{HEAD}search:\n  calibration: [-3.5, 7.25]\n  fusion: dbsf\n  dense_share: 0.6\n",
            id="a calibration of two lines",
        ),
        pytest.param(
            f"search: {{fusion: blend, rrf_k: 60}}  # short\n{HEAD}",
            "search: {fusion: dbsf, rrf_k: 10, dense_share: 0.6, calibration: [-3.5, 7.25]}  # short\n"
            + HEAD,
            id="in braces",
        ),
        pytest.param(
            f"search: {{}}  # later\n{HEAD}",
            f"search:   # later\n  fusion: dbsf\n  dense_share: 0.6\n  calibration: [-3.5, 7.25]\n{HEAD}",
            id="empty braces",
        ),
        pytest.param(
            f"{HEAD}search:\n  fusion: 'rrf'",
            f"{HEAD}search:\n  fusion: dbsf\n  dense_share: 0.6\n  calibration: [-3.5, 7.25]",
            id="the last line without its end",
        ),
    ],
)
def test_only_what_is_tuned_changes(tmp_path: Path, text: str, after: str) -> None:
    assert _edited(tmp_path, text) == after


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    text = (HEAD + "search:\n  fusion: rrf\n  dense_share: 0.5\n").replace("\n", "\r\n")
    after = _edited(tmp_path, text)
    assert after == text.replace("rrf", "dbsf").replace("0.5", "0.6") + "  calibration: [-3.5, 7.25]\r\n"


@pytest.mark.parametrize("text", [HEAD, f"search: {{}}\n{HEAD}"])
def test_the_default_needs_no_words(tmp_path: Path, text: str) -> None:
    assert _edited(tmp_path, text, SearchSettings()) == text


def test_other_settings_of_the_search_stay(tmp_path: Path) -> None:
    search = msgspec.structs.replace(CHOSEN, limit=9, per_document=2)
    text = f"{HEAD}search: {{limit: 9, per_document: 2}}\n"
    assert "limit: 9, per_document: 2, fusion: dbsf" in _edited(tmp_path, text, search)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{sources: [{folder: d, readers: ['*']}]}", id="all in braces"),
        pytest.param(f"search:\n{HEAD}", id="a search without anything is a mistake"),
        pytest.param(HEAD + "...\n", id="an end of the document"),
        pytest.param(HEAD + "search:\n  fusion: [rrf\n", id="no YAML"),
        pytest.param("chunks: &x {}\nsearch: *x\n" + HEAD, id="an alias"),
    ],
)
def test_what_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    with pytest.raises(DeclarationUneditable):
        _edited(tmp_path, text)
    assert (tmp_path / "docs.yaml").read_text("utf-8") == text


@given(
    st.sampled_from(recipes("late", 50)),
    st.sampled_from(
        [HEAD, f"search: {{fusion: rrf}}\n{HEAD}", f"{HEAD}search:\n  rerank: late\n  # x\n  depth: 50\n"]
    ),
)
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, recipe: SearchSettings, text: str
) -> None:
    path = tmp_path_factory.mktemp("knowledge") / "docs.yaml"
    path.write_text(text, "utf-8")
    edit = edited(path, recipe)
    edit.write()
    found = read_knowledge_base(path)
    assert isinstance(found, KnowledgeBase)
    assert found.search == recipe
    assert edited(path, recipe).diff == ""


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "docs.yaml", tmp_path / "elsewhere" / "shared.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(HEAD, "utf-8")
    path.symlink_to(elsewhere)
    edited(path, CHOSEN).write()
    assert path.is_symlink()
    assert "fusion: dbsf" in elsewhere.read_text("utf-8")


def test_a_diff_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "docs.yaml"
    path.write_text(HEAD, "utf-8")
    path.chmod(0o640)
    edit = edited(path, CHOSEN)
    assert "+  fusion: dbsf" in edit.diff
    edit.write()
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]
