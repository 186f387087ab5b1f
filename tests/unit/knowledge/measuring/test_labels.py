"""Reading labels: both layouts, and every mistake with its line."""

from pathlib import Path

import pytest

from buttress.knowledge.measuring.errors import LabelsInvalid
from buttress.knowledge.measuring.labels import placed, read_labels
from buttress.knowledge.measuring.types import LabelledQuery, Labels, Relevant

GOOD = '{"query": "May I return a gift?", "relevant": [{"document": "returns.md"}]}'


def _written(folder: Path, text: str) -> Path:
    path = folder / "docs.labels.jsonl"
    path.write_text(text, "utf-8")
    return path


def test_lines_become_queries(tmp_path: Path) -> None:
    line = '{"query": "x", "relevant": [{"document": "a.md", "grade": 2, "quote": "b c", "section": ["D"]}]}'
    labels = read_labels(_written(tmp_path, f"\ufeff{GOOD}\r\n\n{line}\n"))
    assert labels.origin == "labels"
    assert labels.queries == (
        LabelledQuery("May I return a gift?", (Relevant("returns.md"),)),
        LabelledQuery("x", (Relevant("a.md", 2.0, "b c", ("D",)),)),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("{", ":2: no JSON", id="half an object"),
        pytest.param("[" * 100_000, ":2: no JSON", id="an object that is too deep"),
        pytest.param('{"query": "\\ud800 x", "relevant": [{"document": "a"}]}', ":2: no JSON", id="no text"),
        pytest.param('{"query": "x", "relevant": [{"document": "a", "grade": NaN}]}', "no JSON", id="NaN"),
        pytest.param("7", ":2: ", id="no object"),
        pytest.param('{"relevant": [{"document": "a"}]}', ":2: `query` is missing", id="no query"),
        pytest.param('{"query": "x", "relevant": []}', ":2: relevant", id="nothing that answers"),
        pytest.param('{"query": "??", "relevant": [{"document": "a"}]}', "no word in it", id="no word"),
        pytest.param('{"query": "x", "relevant": [{"document": "a", "grade": 0}]}', "grade", id="grade 0"),
        pytest.param('{"query": "x", "relevant": [{"doc": "a"}]}', "doc", id="an unknown key"),
        pytest.param(GOOD, ":2: the same query stands on line 1", id="the same again"),
        pytest.param(
            '{"query": "x", "relevant": [{"document": "a"}, {"document": "a"}]}',
            "`a` is given 2 times",
            id="a document twice",
        ),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(LabelsInvalid) as caught:
        read_labels(_written(tmp_path, f"{GOOD}\n{line}\n"))
    assert said in caught.value.message
    assert "docs.labels.jsonl" in caught.value.message
    assert "hint: " in caught.value.message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(LabelsInvalid, match=r"(?s)3 mistakes.*:1: .*:2: .*:3: "):
        read_labels(_written(tmp_path, "{\n{}\n{\n".replace("{}", '{"query": "x"}')))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"", "no labelled query", id="an empty file"),
        pytest.param(b"\xff\xfe\xfa", "not UTF-8", id="no text"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
def test_a_file_that_holds_none(tmp_path: Path, text: bytes | None, said: str) -> None:
    path = tmp_path / "docs.labels.jsonl"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(LabelsInvalid, match=said):
        read_labels(path)


def _collection(folder: Path, qrels: str, at: str = "qrels.tsv") -> Path:
    (folder / at).parent.mkdir(exist_ok=True)
    (folder / "queries.jsonl").write_text('{"_id": "1", "text": "one"}\n{"_id": "2", "text": "two"}\n')
    (folder / at).write_text(qrels)
    return folder


@pytest.mark.parametrize("at", ["qrels.tsv", "qrels/test.tsv"])
def test_a_collection_of_beir(tmp_path: Path, at: str) -> None:
    folder = _collection(tmp_path, "query-id\tcorpus-id\tscore\n1\tx\t1\n1\ty\t2\n2\tz\t0\n", at)
    assert read_labels(folder).queries == (LabelledQuery("one", (Relevant("x"), Relevant("y", 2.0))),)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param("1 x 1", ":2: 1 columns where there should be 3", id="blanks for tabs"),
        pytest.param("9\tx\t1", ":2: queries.jsonl has no query `9`", id="a query that is not there"),
        pytest.param("1\tx\tgood", ":2: `good` is no grade", id="a word for a grade"),
        pytest.param("1\tx\tnan", "`nan` is no grade", id="no number for a grade"),
        pytest.param("1\tx\tinf", "`inf` is no grade", id="more than every other grade"),
    ],
)
def test_a_wrong_row(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(LabelsInvalid, match=said):
        read_labels(_collection(tmp_path, f"q\td\tg\n{row}\n"))


@pytest.mark.parametrize("line", ['{"_id": 1, "text": "x"}', '{"x": ' + "[" * 100_000])
def test_a_wrong_query_of_a_collection(tmp_path: Path, line: str) -> None:
    folder = _collection(tmp_path, "q\td\tg\n")
    (folder / "queries.jsonl").write_text(line)
    with pytest.raises(LabelsInvalid, match=r"queries\.jsonl:1: "):
        read_labels(folder)


def test_an_empty_folder_says_both(tmp_path: Path) -> None:
    with pytest.raises(LabelsInvalid, match=r"(?s)queries\.jsonl.*qrels\.tsv"):
        read_labels(tmp_path)


def test_documents_are_found_by_their_names_and_the_others_told() -> None:
    labels = Labels((LabelledQuery("x", (Relevant("a/b.md"), Relevant("4711"), Relevant("c"))),), "labels")
    found = placed(labels, ["a/b.md", "texts/4711.txt", "x/c.md", "y/c.md"])
    assert [one.document for one in found.queries[0].relevant] == ["a/b.md", "texts/4711.txt", "c"]
    assert found.notes == ("1 labelled document is not in the knowledge base, or not for whoever asks: `c`",)
