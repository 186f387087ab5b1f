"""feature.yaml: the files it names, whatever else is wrong with it."""

from pathlib import Path

import pytest

from buttress.gateway.compiling.declared import referenced_files
from buttress.kernel.located import Located, parse_yaml


@pytest.mark.parametrize(
    ("text", "files"),
    [
        pytest.param("{}", [], id="none"),
        pytest.param("input: ./a.json", ["a.json"], id="a schema"),
        pytest.param("stages: [{prompt: a.md}, {prompt: ./a.md}]", ["a.md"], id="a file named twice"),
        pytest.param(
            "stages: [{rules: [{table: a.csv}, {function: 'b.py:c'}]}]", ["a.csv", "b.py"], id="rules"
        ),
        pytest.param("stages: [5, {rules: [5, {table: 5}], prompt: ''}]\ninput: {}", [], id="other values"),
        pytest.param("- a", [], id="a list"),
    ],
)
def test_the_files_that_a_feature_names(text: str, files: list[str]) -> None:
    located = parse_yaml(text, Path("feature.yaml"))
    assert isinstance(located, Located)
    assert referenced_files(located) == files
