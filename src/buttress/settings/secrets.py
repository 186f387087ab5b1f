"""From a reference to what it refers to, at the moment it is needed."""

import os
from collections.abc import Mapping
from pathlib import Path

from buttress.kernel.secrets import parse_reference
from buttress.settings.errors import SecretMissing


def resolve_secret(text: str, *, project: Path, environment: Mapping[str, str] | None = None) -> str:
    """Return the secret that `text` refers to; a text that is no reference is returned as it is.

    A file's path may be relative to the project; white space around its content is dropped.

    Raises:
        SecretMissing: the variable is not set, or the file cannot be read. Names the reference only.
    """
    reference = parse_reference(text)
    if reference is None:
        return text
    if reference.kind == "env":
        found = (os.environ if environment is None else environment).get(reference.name, "")
    else:
        found = _read(project / reference.name)
    if not found:
        raise SecretMissing(f"{reference} leads to nothing")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
