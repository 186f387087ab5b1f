"""A feature on disk that compiles, for the tests to damage."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from buttress.kernel.catalogue import Catalogue, Model, plain_ladder

FEATURE = """\
description: Answers questions about Kestrel.
input:
  type: object
  properties:
    question: {type: string, maxLength: 4000}
    tone: {type: string, enum: [kind, short]}
  required: [question]
stages:
  - name: opening hours
    kind: rules
    rules:
      - regex: "(?i)opening hours of (?P<shop>\\\\w+)"
        answer: "{{ shop }} opens from 9 to 5."
      - table: faq.csv
      - function: rules.py:shipping_cost
  - name: find
    kind: retrieve
    knowledge: handbook
    passages: 6
  - name: write
    kind: generate
    prompt: answer.md
    ladder: answers
fallback:
  kind: passages
  text: "I do not know."
"""

PROMPT = """\
---
max_tokens: 400
---
# system
Answer in a {{ tone }} tone.

# user
{% for p in passages %}
[{{ p.number }}] {{ p.place }}
{{ p.text }}
{% endfor %}

{{ question }}
"""

TABLE = """\
question,answer
What is Kestrel?,A booking service.
What is that?,A booking service.
"""

RULES = """\
def shipping_cost(values):
    return "5 EUR" if "shipping" in values["question"] else None
"""

FILES = {"feature.yaml": FEATURE, "answer.md": PROMPT, "faq.csv": TABLE, "rules.py": RULES}

CATALOGUE = Catalogue(
    {
        "quotes": Model(name="quotes", provider="extractive"),
        "small": Model(name="small", provider="openai", id="x", base_url="http://localhost"),
        "tiny": Model(name="tiny", provider="extractive", window_tokens=412, max_output_tokens=410),
    },
    {"answers": plain_ladder("small", "quotes")},
)

WriteFeature = Callable[..., Path]


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `files` into a new `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.fixture
def feature_files() -> dict[str, str]:
    """The files of a feature that compiles; the test's own copy."""
    return dict(FILES)


@pytest.fixture
def catalogue() -> Catalogue:
    """Models and ladders: `answers` is small, then quotes."""
    return CATALOGUE


@pytest.fixture
def write_feature(tmp_path: Path) -> WriteFeature:
    """Write files as the feature `support` of a project; return its folder."""

    def write(files: Mapping[str, str], name: str = "support") -> Path:
        return write_files(tmp_path / "features" / name, files)

    return write
