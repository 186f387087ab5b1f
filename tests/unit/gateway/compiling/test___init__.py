"""The promises of compiling: equal files give an equal release, and nothing in a file ever raises."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.gateway.compiling.feature import compile_feature
from buttress.kernel.catalogue import Catalogue
from buttress.releases.types import Release

WriteFeature = Callable[..., Path]
Files = dict[str, str]
KNOWLEDGE = {"handbook"}


def compiled(folder: Path, catalogue: Catalogue) -> Release:
    """Compile what is known to be right."""
    release = compile_feature(folder, catalogue, KNOWLEDGE)
    assert isinstance(release, Release), [str(one) for one in release]
    return release


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: f"# a comment\n\n{text}", id="comments and blank lines"),
        pytest.param(lambda text: text.replace("passages: 6", "passages:   6   # six"), id="white space"),
        pytest.param(lambda text: text.replace('"I do not know."', "I do not know."), id="other quotes"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="other line ends"),
        pytest.param(
            lambda text: text.replace("prompt: answer.md", "prompt: ./answer.md"), id="another path"
        ),
        pytest.param(lambda text: "\ufeff" + text, id="a byte-order mark"),
        pytest.param(
            lambda text: text.replace(
                "    prompt: answer.md\n    ladder: answers\n", "    ladder: answers\n    prompt: answer.md\n"
            ),
            id="the order of keys",
        ),
    ],
)
def test_how_the_yaml_is_written_does_not_change_the_release(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, change: Callable[[str], str]
) -> None:
    before = compiled(write_feature(feature_files), catalogue)
    feature_files["feature.yaml"] = change(feature_files["feature.yaml"])
    assert compiled(write_feature(feature_files), catalogue) == before


def test_where_the_folder_is_does_not_change_the_release(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, tmp_path: Path
) -> None:
    before = compiled(write_feature(feature_files), catalogue)
    elsewhere = (tmp_path / "features" / "support").rename(tmp_path / "support")
    assert compiled(elsewhere, catalogue) == before
    everything = {name: (elsewhere / name).read_bytes() for name in sorted(feature_files, reverse=True)}
    again = tmp_path / "again" / "support"
    again.mkdir(parents=True)
    for name, data in everything.items():
        (again / name).write_bytes(data.replace(b"\n", b"\r\n"))
    assert compiled(again, catalogue) == before


@pytest.mark.parametrize("name", ["answer.md", "faq.csv", "rules.py"])
def test_what_is_in_the_files_does_change_it(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, name: str
) -> None:
    before = compiled(write_feature(feature_files), catalogue)
    feature_files[name] += "More?,Yes.\n" if name == "faq.csv" else "\n# more\n"
    assert compiled(write_feature(feature_files), catalogue).release_id != before.release_id


def test_a_schema_may_stand_in_a_file_of_its_own(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    before = compiled(write_feature(feature_files), catalogue)
    text = feature_files["feature.yaml"]
    start, end = text.index("input:"), text.index("stages:")
    feature_files["feature.yaml"] = text[:start] + "input: schemas/in.json\n" + text[end:]
    feature_files["schemas/in.json"] = msgspec.json.format(msgspec.json.encode(before.input_schema)).decode()
    after = compiled(write_feature(feature_files), catalogue)
    assert after.release_id == before.release_id


# Whatever is in the files.


def check(files: Files, catalogue: Catalogue) -> None:
    """Compile `files`, which may be anything; the result must be a release or mistakes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
        result = compile_feature(Path(folder), catalogue, KNOWLEDGE)
    if isinstance(result, Release):
        assert result.release_id
    else:
        assert result
        assert all(one.message and one.hint for one in result)


names = st.sampled_from(["feature.yaml", "answer.md", "faq.csv", "rules.py"])
words = (
    "null [] {} 5 -1 x ' {{ }} {% : &a *a !!x kind rules retrieve generate passages question answer.md .. é"
)
tokens = st.sampled_from([*words.split(), "", "- ", '"', "\n", "\t", "\ud7ff", "\x85"])
fast = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow
@given(name=names, data=st.data())
@fast
def test_a_line_deleted_or_doubled_never_raises(
    feature_files: Files, catalogue: Catalogue, name: str, data: st.DataObject
) -> None:
    lines = feature_files[name].splitlines(keepends=True)
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start, min(start + 3, len(lines))))
    lines[start:end] = data.draw(st.lists(st.sampled_from(lines), max_size=2))
    check(feature_files | {name: "".join(lines)}, catalogue)


@pytest.mark.slow
@given(name=names, data=st.data())
@fast
def test_a_token_changed_never_raises(
    feature_files: Files, catalogue: Catalogue, name: str, data: st.DataObject
) -> None:
    text = feature_files[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(tokens | st.text(max_size=5)) + text[end:]
    check(feature_files | {name: text}, catalogue)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@given(data=st.data())
@fast
def test_a_value_of_another_kind_never_raises(
    feature_files: Files, catalogue: Catalogue, data: st.DataObject
) -> None:
    lines = feature_files["feature.yaml"].splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    key, _, _ = lines[index].partition(":")
    lines[index] = f"{key}: {msgspec.json.encode(data.draw(values)).decode()}"
    check(feature_files | {"feature.yaml": "\n".join(lines)}, catalogue)
