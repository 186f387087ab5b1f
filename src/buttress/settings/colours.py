"""Whether this user's terminals are to be spared colours."""

import os
from collections.abc import Mapping


def are_colours_unwanted(environment: Mapping[str, str] | None = None) -> bool:
    """Say whether NO_COLOR is set to anything but an empty text (the convention of no-color.org)."""
    return bool((os.environ if environment is None else environment).get("NO_COLOR"))
