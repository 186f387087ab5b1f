"""What models may have thought, for properties."""

from hypothesis import strategies as st

from buttress.kernel.messages import Thinking


def trains(texts: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[tuple[Thinking, ...]]:
    """Return any thoughts of one answer: each but the last has its proof, for a proof ends a thought."""
    text = st.text() if texts is None else texts
    proven = st.lists(st.builds(Thinking, text=text, signature=text.filter(bool)), max_size=3)
    return st.builds(_train, proven, text)


def plain(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Thinking, ...]]:
    """Return one thought without a proof, or none."""
    return st.builds(_train, st.just([]), texts)


def _train(proven: list[Thinking], last: str) -> tuple[Thinking, ...]:
    return (*proven, *((Thinking(last),) if last else ()))
