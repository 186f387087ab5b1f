"""Buttress: the production layer for LLM features.

The library's public names; everything else is private. They are loaded when they are first used, so that
`import buttress` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buttress.app.buttress import Buttress
    from buttress.client.http import Client
    from buttress.client.webhooks import verify_webhook
    from buttress.gateway.types import Answer, Began, Cited, Ended, Event, Text
    from buttress.kernel.errors import ButtressError
    from buttress.kernel.passages import Citation, CitationState, Passage
    from buttress.kernel.scope import Scope

__all__ = [
    "Answer",
    "Began",
    "Buttress",
    "ButtressError",
    "Citation",
    "CitationState",
    "Cited",
    "Client",
    "Ended",
    "Event",
    "Passage",
    "Scope",
    "Text",
    "verify_webhook",
]

_HOMES = {
    "Buttress": "buttress.app.buttress",
    "ButtressError": "buttress.kernel.errors",
    "Citation": "buttress.kernel.passages",
    "CitationState": "buttress.kernel.passages",
    "Client": "buttress.client.http",
    "Passage": "buttress.kernel.passages",
    "Scope": "buttress.kernel.scope",
    "verify_webhook": "buttress.client.webhooks",
}


def __getattr__(name: str) -> object:
    """Load a public name from where it lives (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'buttress' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "buttress.gateway.types")), name)
