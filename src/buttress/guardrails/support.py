"""What an answer stands on, counted by its sentences. Pure."""

from collections.abc import Iterable

import msgspec

from buttress.guardrails.citations import CitedSentence
from buttress.kernel.passages import CitationState


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """How many sentences of an answer stand on what: each counts once, by the best of its citations.

    `out_of_range` counts citations of passages that there are not.
    """

    verbatim: int = 0
    supported: int = 0
    unsupported: int = 0
    uncited: int = 0
    out_of_range: int = 0

    @property
    def sentences(self) -> int:
        """All sentences."""
        return self.verbatim + self.supported + self.unsupported + self.uncited

    @property
    def share(self) -> float:
        """The share of sentences that a passage bears out; 0 of an empty answer."""
        return (self.verbatim + self.supported) / self.sentences if self.sentences else 0.0


def support_of(sentences: Iterable[CitedSentence]) -> Support:
    """Count `sentences` by what they stand on."""
    counts = {"verbatim": 0, "supported": 0, "unsupported": 0, "uncited": 0}
    out_of_range = 0
    for cited in sentences:
        counts[standing(cited)] += 1
        out_of_range += len(cited.missing)
    return Support(**counts, out_of_range=out_of_range)


def standing(cited: CitedSentence) -> str:
    """Return what one sentence stands on: the best state of its citations; `uncited` when it has none at all.

    A sentence that cites only passages that there are not is unsupported.
    """
    states = {citation.state for citation in cited.citations}
    for state in (CitationState.VERBATIM, CitationState.SUPPORTED):
        if state in states:
            return state.value
    return "unsupported" if states or cited.missing else "uncited"
