"""Globs for relative paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.sources.globs import Globs, compile_glob


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        pytest.param("**/*", "a.md", True, id="two stars are also no folder"),
        pytest.param("**/*", "a/b/c.md", True, id="two stars are many folders"),
        pytest.param("*.md", "a.md", True, id="one star in a name"),
        pytest.param("*.md", "a/b.md", False, id="one star stays in its folder"),
        pytest.param("docs/**", "docs/a/b.md", True, id="all below a folder"),
        pytest.param("docs/", "docs/a/b.md", True, id="a folder means all below it"),
        pytest.param("./docs/*.md", "docs/a.md", True, id="with a dot before it"),
        pytest.param("docs/**", "docs2/a.md", False, id="not the folder beside"),
        pytest.param("**/README.md", "README.md", True, id="a name anywhere, also at the top"),
        pytest.param("**/README.md", "a/README.md", True, id="a name anywhere"),
        pytest.param("a?.md", "ab.md", True, id="one character"),
        pytest.param("a?.md", "a/.md", False, id="which is no slash"),
        pytest.param("[ab].md", "b.md", True, id="one of some"),
        pytest.param("[!ab].md", "c.md", True, id="none of some"),
        pytest.param("[!ab].md", "a.md", False, id="none of some, and it is one"),
        pytest.param("a.md", "aXmd", False, id="a dot is a dot"),
        pytest.param("[a", "[a", True, id="an open bracket is itself"),
        pytest.param("[a-c].md", "b.md", True, id="a range"),
        pytest.param("[c-a].md", "-.md", True, id="one that runs backwards is its characters"),
        pytest.param("[c-a].md", "b.md", False, id="and not what lies between"),
        pytest.param("[a-].md", "-.md", True, id="a hyphen at the end is itself"),
        pytest.param("[\\].md", "\\.md", True, id="a backslash is itself"),
        pytest.param("*.MD", "a.md", False, id="case counts"),
    ],
)
def test_compile_glob(glob: str, path: str, matches: bool) -> None:  # noqa: FBT001 - a table's column
    """As in `.gitignore`, without its surprises."""
    assert bool(compile_glob(glob).fullmatch(path)) == matches


def test_exclude_comes_last() -> None:
    """What is excluded is out, whatever includes it."""
    globs = Globs(["**/*.md", "a.txt"], ["**/draft*"])
    assert [globs.accept(path) for path in ("a.md", "a.txt", "b.txt", "x/draft.md")] == [
        True,
        True,
        False,
        False,
    ]


names = st.text(alphabet="ab.[]!^\\-()+ü", min_size=1, max_size=6)


@given(names, names)
def test_any_glob_compiles_and_two_stars_find_everything(glob: str, path: str) -> None:
    """No glob is an error: what it says is taken as it stands."""
    compile_glob(glob).fullmatch(path)
    assert compile_glob("**/*").fullmatch(path)
