"""Proofs of thinking, and which provider they are from. Pure.

What a client keeps of a thought comes back with whatever signature it had, from whichever provider; a proof
that is another's is refused. So those of Gemini carry a mark, which no base64 can hold; those of Anthropic go
on as they came, since what both sides say in one dialect is not touched.
"""

_MARK = "gemini#"


def mark(signature: str) -> str:
    """Return a signature of Gemini's as it is given to clients."""
    return _MARK + signature


def unmark(signature: str) -> str:
    """Return the signature as Gemini gave it; empty when it is not from there."""
    return signature.removeprefix(_MARK) if signature.startswith(_MARK) else ""


def is_marked(signature: str) -> bool:
    """Say whether it is Gemini's, and nobody else's."""
    return signature.startswith(_MARK)
