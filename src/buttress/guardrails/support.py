"""What an answer stands on, counted by its sentences. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from buttress.guardrails.citations import CitedSentence
from buttress.kernel.passages import CitationState

Standing = Literal["verbatim", "supported", "unsupported", "uncited"]


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """How many sentences of an answer stand on what: each counts once, by the best of its citations.

    `withheld` counts the sentences that were not released.
    """

    verbatim: int = 0
    supported: int = 0
    unsupported: int = 0
    uncited: int = 0
    withheld: int = 0


def support_of(standings: Iterable[Standing], *, withheld: int = 0) -> Support:
    """Count the sentences of an answer by what they stand on."""
    counts = Counter(standings)
    return Support(
        verbatim=counts["verbatim"],
        supported=counts["supported"],
        unsupported=counts["unsupported"],
        uncited=counts["uncited"],
        withheld=withheld,
    )


def standing(cited: CitedSentence) -> Standing:
    """Return what one sentence stands on: the best state of its citations; `uncited` when it has none at all.

    A sentence that cites only passages that there are not is unsupported.
    """
    states = {citation.state for citation in cited.citations}
    if CitationState.VERBATIM in states:
        return "verbatim"
    if CitationState.SUPPORTED in states:
        return "supported"
    return "unsupported" if states or cited.missing else "uncited"
