"""Reading labels: mistakes are values, all of them at once, each with its line.

Two layouts are read. A file of JSON lines, beside the declaration as `knowledge/NAME.labels.jsonl`:

    {"query": "May I return a gift?", "relevant": [{"document": "returns.md", "grade": 1}]}

and a folder as the BEIR collections have it: `queries.jsonl` (`_id`, `text`), and `qrels.tsv` with the
columns query, document, grade under a line of titles.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from math import nan
from pathlib import Path

import msgspec

from buttress.kernel.errors import UNDECODABLE, Location, Mistake, listing
from buttress.kernel.located import Located, convert_all
from buttress.knowledge.measuring.errors import LabelsInvalid
from buttress.knowledge.measuring.types import MOST_GRADE, LabelledQuery, Labels, Relevant

_LINE_HINT = 'Write one JSON object a line: {"query": "…", "relevant": [{"document": "PATH"}]}.'
_ROW_HINT = "Write three columns with tabs between them: the query's _id, the document, the grade."
_WHOLE = "the file: "  # what a mistake in no key of its own is said of
_SHOWN = 3


class _Asked(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="_id")
    text: str


def read_labels(path: Path) -> Labels:
    """Return the labels in the file at `path`, or in the folder of that path.

    Raises:
        LabelsInvalid: with every mistake in it.
    """
    found = _read_folder(path) if path.is_dir() else _read_lines(path)
    if isinstance(found, list):
        raise listing(LabelsInvalid, found)
    if not found:
        raise LabelsInvalid(f"there is no labelled query in {path}")
    return Labels(found, "labels")


def placed(labels: Labels, documents: Collection[str]) -> Labels:
    """Return `labels` with each document by its path among `documents`; what is not there is noted.

    A label may leave out folders and ending where only one document has the name. What is not found stays:
    nothing can answer it, and the figures say so.
    """
    by_stem: dict[str, set[str]] = {}
    for one in documents:
        by_stem.setdefault(Path(one).stem, set()).add(one)
    missing: Counter[str] = Counter()

    def place(label: Relevant) -> Relevant:
        named = by_stem.get(label.document, set())
        if label.document in documents:
            return label
        if len(named) == 1:
            return msgspec.structs.replace(label, document=next(iter(named)))
        missing[label.document] += 1
        return label

    queries = tuple(
        LabelledQuery(one.query, tuple(place(label) for label in one.relevant)) for one in labels.queries
    )
    notes = [_missing_note(missing)] if missing else []
    return Labels(queries, labels.origin, (*labels.notes, *notes))


def _missing_note(missing: Counter[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in sorted(missing)[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    documents = "1 labelled document is" if len(missing) == 1 else f"{len(missing)} labelled documents are"
    return f"{documents} not in the knowledge base, or not for whoever asks: {shown}{more}"


def _read_lines(path: Path) -> tuple[LabelledQuery, ...] | list[Mistake]:
    lines = _lines(path)
    if isinstance(lines, Mistake):
        return [lines]
    queries: list[LabelledQuery] = []
    mistakes: list[Mistake] = []
    seen: dict[str, int] = {}
    for number, line in lines:
        found = _query(line, path, number)
        if isinstance(found, list):
            mistakes += found
            continue
        first = seen.setdefault(found.query, number)
        mistakes += _said_twice(found, Location(path, number), first)
        queries.append(found)
    return mistakes or tuple(queries)


def _query(line: str, path: Path, number: int) -> LabelledQuery | list[Mistake]:
    where = Location(path, number)
    try:
        value = msgspec.json.decode(line)
    except UNDECODABLE as error:
        return [Mistake(where, f"no JSON: {error}", _LINE_HINT)]
    found = convert_all(Located(path, value, {(): number}), LabelledQuery)
    if isinstance(found, list):
        return [Mistake(one.where, one.message.removeprefix(_WHOLE), one.hint) for one in found]
    if not any(map(str.isalnum, found.query)):
        return [Mistake(where, "query: there is no word in it", "Write the question that is asked.")]
    return found


def _said_twice(found: LabelledQuery, where: Location, first: int) -> list[Mistake]:
    mistakes: list[Mistake] = []
    if first != where.line:
        message = f"the same query stands on line {first}"
        mistakes.append(Mistake(where, message, "Put all that answers it on one line."))
    places = Counter((one.document, one.quote, one.section) for one in found.relevant)
    mistakes += [
        Mistake(where, f"relevant: `{document}` is given {count} times", "Keep one of them.")
        for (document, _, _), count in places.items()
        if count > 1
    ]
    return mistakes


def _read_folder(folder: Path) -> tuple[LabelledQuery, ...] | list[Mistake]:
    asked = _asked(folder / "queries.jsonl")
    rows = _lines(next((one for one in _qrels(folder) if one.exists()), folder / "qrels.tsv"))
    if isinstance(asked, list) or isinstance(rows, Mistake):
        return [*(asked if isinstance(asked, list) else ()), *([rows] if isinstance(rows, Mistake) else ())]
    path = next(one for one in _qrels(folder) if one.exists())
    relevant: dict[str, list[Relevant]] = {}
    mistakes: list[Mistake] = []
    for number, row in rows[1:]:
        found = _judged(row, asked, Location(path, number))
        if isinstance(found, Mistake):
            mistakes.append(found)
        elif found[1].grade > 0:  # 0: somebody looked, and it does not answer
            relevant.setdefault(found[0], []).append(found[1])
    return mistakes or tuple(LabelledQuery(asked[one], tuple(found)) for one, found in relevant.items())


def _qrels(folder: Path) -> Sequence[Path]:
    return folder / "qrels.tsv", folder / "qrels" / "test.tsv"


def _asked(path: Path) -> dict[str, str] | list[Mistake]:
    """Return the text of each query by its id."""
    lines = _lines(path)
    if isinstance(lines, Mistake):
        return [lines]
    asked: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for number, line in lines:
        try:
            one = msgspec.json.decode(line, type=_Asked)
        except UNDECODABLE as error:
            hint = 'Write one JSON object a line: {"_id": "…", "text": "…"}.'
            mistakes.append(Mistake(Location(path, number), str(error), hint))
        else:
            asked[one.id] = one.text
    return mistakes or asked


def _judged(row: str, asked: Collection[str], where: Location) -> tuple[str, Relevant] | Mistake:
    """Return the query's id and what is relevant to it, by one row."""
    columns = row.split("\t")
    if len(columns) != 3:
        return Mistake(where, f"{len(columns)} columns where there should be 3", _ROW_HINT)
    query, document, grade = columns
    if query not in asked:
        return Mistake(where, f"queries.jsonl has no query `{query}`", "Add it there, or remove the row.")
    try:
        worth = float(grade)
    except ValueError:
        worth = nan
    if not worth <= MOST_GRADE:  # so written, "nan" is none either
        hint = f"Use a number: 0 for no answer, 1 and more, up to {MOST_GRADE:,}, for one."
        return Mistake(where, f"`{grade}` is no grade", hint)
    return query, Relevant(document, worth)


def _lines(path: Path) -> Sequence[tuple[int, str]] | Mistake:
    """Return the lines of a text that are not empty, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return Mistake(Location(path), error.strerror or "cannot be read", "Create it, or name another one.")
    except UnicodeDecodeError as error:
        return Mistake(Location(path), f"byte {error.start} is not UTF-8", "Save the file as UTF-8.")
    return _numbered(text.split("\n"))


def _numbered(lines: Iterable[str]) -> Sequence[tuple[int, str]]:
    numbered = ((number, line.rstrip("\r")) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in numbered if line.strip()]
