"""What no linter checks: tests mirror the source, figures of style hold, nothing names what it must not.

    python tools/check_house.py

Ends with 1 and one line for each thing that is wrong.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE, TESTS = ROOT / "src" / "buttress", ROOT / "tests" / "unit"
MAX_LINES = 500
HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"])
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|root)/\w")
BARRED_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}

UNTESTED_BY_A_FILE_OF_THEIR_OWN = {
    "types.py": "nouns; tested by the rules that use them",
    "faults.py": "nouns; raised in the tests of who raises them",
    "errors.py": "walked by tests/unit/test_errors.py",
    "settings.py": "walked by tests/unit/settings",
    "ports.py": "Protocols; their contract tests are in testing/contracts",
    "__init__.py": "where you are",
    "__main__.py": "one line",
}


def mirrored(source: Path) -> Path:
    """Return where the tests of a source file live."""
    inside = source.relative_to(SOURCE)
    return TESTS / inside.parent / f"test_{inside.name}"


def has_functions(path: Path) -> bool:
    """Say whether a file holds a function: nouns alone are tested by the rules that use them."""
    tree = ast.parse(path.read_text("utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def missing_tests() -> Iterator[str]:
    """Yield a line for each source file without tests, and each test file without its source."""
    sources = [path for path in SOURCE.rglob("*.py") if path.name not in UNTESTED_BY_A_FILE_OF_THEIR_OWN]
    wanted = {mirrored(path): path for path in sources if "testing" not in path.parts and has_functions(path)}
    for test, source in sorted(wanted.items()):
        if not test.exists():
            yield f"{source.relative_to(ROOT)} has no {test.relative_to(ROOT)}"
    sourced = {*wanted, *(mirrored(path) for path in SOURCE.rglob("*.py"))}
    for test in sorted(TESTS.rglob("test_*.py")):
        if test not in sourced and test.parent != TESTS:
            yield f"{test.relative_to(ROOT)} tests no file of the source"


def long_or_barred() -> Iterator[str]:
    """Yield a line for each file that is too long or has a name that says nothing."""
    for path in sorted(SOURCE.rglob("*.py")):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > MAX_LINES:
            yield f"{path.relative_to(ROOT)} has {lines} lines, more than {MAX_LINES}"
        if BARRED_NAMES & {path.stem, path.parent.name}:
            yield f"{path.relative_to(ROOT)} has a name that says nothing"


def barred_texts() -> Iterator[str]:
    """Yield a line for each tracked text that names a package registry's host or a path of a machine."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)  # noqa: S607
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file() or path.suffix in {".pdf", ".png"}:
            continue
        text = path.read_text("utf-8", errors="replace")
        if HOSTS.search(text):
            yield f"{name} names a package registry's host"
        if MACHINE_PATH.search(text) and path != Path(__file__):
            yield f"{name} names a path of one machine: {MACHINE_PATH.search(text)}"


def addresses_in_constraints() -> Iterator[str]:
    """Yield a line for each constraint that is more than a name and a version."""
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if not re.fullmatch(r"[a-z0-9.-]+==[\w.+!]+( ; .+)?", line):
            yield f"constraints.txt: {line!r} is not name==version"


def main() -> int:
    """Print what is wrong and return the exit code."""
    wrong = [*missing_tests(), *long_or_barred(), *barred_texts(), *addresses_in_constraints()]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
