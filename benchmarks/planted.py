"""Measure how many planted instructions are recognised, and how much honest text is taken for one.

Planted are the instructions of BIPIA, each counted once however often it was planted, and spikee's, in
English, Irish, Scottish Gaelic, Albanian and Zulu. Attacks that users type (PaLLMs, in the wild) show what
the rule sees of another kind; it was not made for them. The rule was made by looking at what passed of the
even half; the figures are the odd half's, but wordings of spikee come in both. Honest text is what ordinary
documents say, all of it: a sentence counts as wrongly taken when its block is. Documentation about prompting
stands by itself: much of what is taken there are prompts.
"""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from buttress.kernel.addressed import addressed_spans, speaks_to_assistant
from buttress.kernel.sentences import split_sentences

CORPORA = ("scifact", "squad2-dev", "cacm", "covid-faq")
PROMPTING = "anthropic-docs"
LONGEST = 1_000
"""Longer sentences are no sentences: code, tables without lines. Their time is not taken."""


class Share(msgspec.Struct, frozen=True):
    """So many of so many, with what they are."""

    what: str
    taken: int
    of: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was planted, what is honest, and the time of one sentence in microseconds."""

    planted: list[Share]
    honest: list[Share]
    p50_us: float
    p99_us: float


def measure_planted(data: Path, example: Path) -> Figures:
    """Measure on the shared data in `data` and on the documents of the project in `example`."""
    documents = {name: list(_texts(data / "retrieval" / name / "corpus.jsonl")) for name in CORPORA}
    corpora = (data / "chunking" / "corpora").glob("*.md")
    documents["other texts"] = [path.read_text("utf-8") for path in sorted(corpora)]
    documents["the example, less its plant"] = list(_without_plant(example / "documents"))
    prompting = list(_texts(data / "retrieval" / PROMPTING / "corpus.jsonl"))
    honest = [_honest(name, texts) for name, texts in documents.items()]
    times = sorted(_times(prompting))
    return Figures(
        planted=list(_planted(data / "guard")),
        honest=[*honest, _sum("ordinary text", honest), _honest("documentation about prompting", prompting)],
        p50_us=times[len(times) // 2] * 1e6,
        p99_us=times[len(times) * 99 // 100] * 1e6,
    )


def _planted(folder: Path) -> Iterator[Share]:
    attacks = [one for one in _rows(folder / "dev_bipia_indirect.jsonl") if one["label"] == "attack"]
    odd = list(dict.fromkeys(one["payload"] for one in attacks))[1::2]
    yield _seen("BIPIA: about the answer", [one for one in odd if _is_about_the_answer(one)])
    yield _seen("BIPIA: code to be used", [one for one in odd if "```" in one])
    rest = [one for one in odd if "```" not in one and not _is_about_the_answer(one)]
    yield _seen("BIPIA: other tasks and questions", rest)
    there = [_is_seen_there(one["text"], one["payload"]) for one in attacks if one["payload"] in odd]
    yield Share("BIPIA: all of them, in their documents", sum(there), len(there))
    for name, file in (
        ("spikee", "dev_spikee_attack"),
        ("typed by users: PaLLMs", "dev_pallms_attack"),
        ("typed by users: in the wild", "dev_inthewild_jailbreaks"),
    ):
        yield _seen(name, list(_texts(folder / f"{file}.jsonl"))[1::2])


def _is_about_the_answer(payload: str) -> bool:
    words = payload.lower().replace(".", " ").split()
    return "```" not in payload and bool({"answer", "answer's", "reply", "response", "message"} & set(words))


def _is_seen_there(text: str, payload: str) -> bool:
    """Say whether the first line of what was planted is in a block that is recognised."""
    line = payload.splitlines()[0]
    at = text.index(line)
    return any(start <= at and at + len(line) <= end for start, end in addressed_spans(text))


def _seen(what: str, texts: list[str]) -> Share:
    return Share(what, sum(bool(addressed_spans(text)) for text in texts), len(texts))


def _honest(what: str, texts: Iterable[str]) -> Share:
    taken = of = 0
    for text in texts:
        of += len(split_sentences(text))
        taken += sum(len(split_sentences(text[start:end])) for start, end in addressed_spans(text))
    return Share(what, taken, of)


def _sum(what: str, shares: Iterable[Share]) -> Share:
    parts = list(shares)
    return Share(what, sum(one.taken for one in parts), sum(one.of for one in parts))


def _times(texts: Iterable[str]) -> Iterator[float]:
    for text in texts:
        for sentence in split_sentences(text):
            if len(sentence) <= LONGEST:
                started = time.thread_time()
                speaks_to_assistant(sentence)
                yield time.thread_time() - started


def _without_plant(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".md", ".txt"}:
            lines = path.read_text("utf-8").splitlines()
            yield "\n".join(line for line in lines if "KESTREL90" not in line)


def _texts(path: Path) -> Iterator[str]:
    return (one["text"] for one in _rows(path))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    return (json.loads(line) for line in path.read_text("utf-8").split("\n") if line)
