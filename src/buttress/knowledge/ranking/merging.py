"""Passages that touch in their document become one. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from buttress.knowledge.search_types import Candidate


def merged(best: Sequence[Candidate]) -> list[Candidate]:
    """Return `best`, but of those that touch in one document one: exactly the characters from first to last.

    It stands where the best of them stood, with that one's id and score, and the greatest cosine. They
    touch where nothing but what is `before` the later one lies between them. All have to be of one version
    of the index, and found by one scope.
    """
    places = {one.passage.chunk_id: place for place, one in enumerate(best)}
    in_text = sorted(best, key=lambda one: (one.passage.document_id, one.passage.start))
    joined: list[tuple[int, Candidate]] = []
    for _, of_document in groupby(in_text, key=lambda one: one.passage.document_id):
        for run in _runs(of_document):
            first = min(places[one.passage.chunk_id] for one in run)
            joined.append((first, _joined(run, best[first]) if len(run) > 1 else best[first]))
    return [one for _, one in sorted(joined, key=lambda item: item[0])]


def _runs(in_text: Iterator[Candidate]) -> Iterator[list[Candidate]]:
    run: list[Candidate] = []
    for one in in_text:
        if run and one.passage.start - len(one.before) != run[-1].passage.end:
            yield run
            run = []
        run.append(one)
    yield run


def _joined(run: Sequence[Candidate], best: Candidate) -> Candidate:
    first, last = run[0].passage, run[-1].passage
    text = first.text + "".join(one.before + one.passage.text for one in run[1:])
    passage = msgspec.structs.replace(
        best.passage,
        start=first.start,
        end=last.end,
        page=first.page,
        page_end=last.page_end,
        section=_common([one.passage.section for one in run]),
        text=text,
        cosine=max(one.passage.cosine for one in run),
    )
    return Candidate(passage, "\n".join(one.searched for one in run), run[0].before)


def _common(sections: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the headings that all of `sections` stand under."""
    common = sections[0]
    for section in sections[1:]:
        while section[: len(common)] != common:
            common = common[:-1]
    return common
