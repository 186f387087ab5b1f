"""`buttress prices`: what models cost, who says so, and where the packaged list says otherwise."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

MODELS = """\
models:
  quotes: {provider: extractive}
  claude:
    provider: anthropic
    id: claude-sonnet-4-5
    key: env:K
    price:
      input: 3
      output: 15
      cache_read: 0.25
      tiers: [{above_tokens: 1000, input: 4, output: 16}]
      request: 0.01
      source: our contract
      date: 2026-05-01
  own: {provider: openai, id: gpt-5, base_url: "https://llm.example.com/v1"}
ladders:
  all: [claude, own]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose prices need no list."""
    (tmp_path / "buttress.yaml").write_text("")
    (tmp_path / "models.yaml").write_text(MODELS)
    return tmp_path


def test_each_model_says_what_it_costs_and_who_says_so(run: Run, project: Path) -> None:
    ran = run("--project", project, "prices")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "quotes  extractive",
        "    free",
        "    says runs here",
        "claude  anthropic claude-sonnet-4-5",
        "    $3 in, $15 out, $0.25 read from a cache per million tokens",
        "    all of it, above 1,000 tokens of input: $4 in, $16 out",
        "    $0.01 a request, beside its tokens",
        "    says our contract, as of 2026-05-01",
        "own  openai gpt-5",
        "    price unknown: models.yaml does not say it, and its address is not a known seller's own",
        "    hint: say it in models.yaml: `price: {input: 1.25, output: 10}`, US dollars per million tokens",
    ]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        pytest.param(["own"], ["own"], id="a model"),
        pytest.param(["all"], ["claude", "own"], id="those of a ladder"),
        pytest.param(["list", "own", "all"], ["own", "claude"], id="each once, by the long way"),
    ],
)
def test_some_of_them_as_json(run: Run, project: Path, names: list[str], shown: list[str]) -> None:
    ran = run("--project", project, "prices", *names, "--json")
    told = json.loads(ran.out)
    assert [one["name"] for one in told] == shown
    assert {one["source"] for one in told} <= {"our contract", None}
    assert all((one["price"] is None) == bool(one["unknown"]) for one in told)


def test_a_name_that_is_not_there(run: Run, project: Path) -> None:
    ran = run("--project", project, "prices", "clade")
    assert ran.code == 2
    assert "Did you mean `claude`?" in ran.err


def test_a_mistake_in_a_price_is_told_with_its_line(run: Run, project: Path) -> None:
    (project / "models.yaml").write_text(MODELS.replace("cache_read", "cache_raed"))
    ran = run("--project", project, "prices")
    assert ran.code == 2
    assert "models.yaml:10" in ran.err
    assert "Did you mean `cache_read`?" in ran.err


def test_the_list_is_searched_without_a_project(run: Run) -> None:
    ran = run("prices", "find", "claude-sonnet-4-5")
    assert ran.code == 0
    assert "claude-sonnet-4-5  anthropic" in ran.out.splitlines()
    assert (
        "$3 in, $15 out, $0.3 read from a cache, $3.75 written to it, $6 written to it for an hour" in ran.out
    )


def test_what_is_sold_otherwise_than_by_tokens_is_said(run: Run) -> None:
    assert "    not priced by tokens alone" in run("prices", "find", "tts-1-hd").out.splitlines()


def test_nothing_of_that_name(run: Run) -> None:
    ran = run("prices", "find", "no-such-model")
    assert (ran.code, ran.out) == (1, "")
    assert "has nothing that is called like `no-such-model`" in ran.err


def test_too_many_of_that_name(run: Run) -> None:
    ran = run("prices", "find", "gpt")
    assert ran.code == 0
    assert "more: name it more exactly" in ran.err


def test_where_the_list_says_otherwise(run: Run, project: Path) -> None:
    ran = run("--project", project, "prices", "check")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert lines[:2] == [
        "quotes: runs here, and costs nothing",
        "claude: cache_read: $0.25 here, $0.3 in the list",
    ]
    assert "claude: request: $0.01 here, $0 in the list" in lines
    assert "claude: above 1,000 tokens input: $4 here, $3 in the list" in lines
    assert any(line.startswith("own: price unknown: ") for line in lines)
    assert "its last change is of 20" in lines[-1]
