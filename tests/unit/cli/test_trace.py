"""`buttress trace`: what happened in past calls, one tenant at a time."""

import json
from pathlib import Path

import pytest

from tests.projects import ANSWERABLE
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.slow  # they start a database of their own


@pytest.fixture
def traced(run: Run, project: Path) -> Path:
    """A project with three calls: one answered, one refused with a hostile name, one of another tenant."""
    run("--project", project, "ask", "support", ANSWERABLE)
    run("--project", project, "ask", "\x1b[31m\u202e", "Why\x1b]0;x\x07?")
    run("--project", project, "ask", "support", "who are you", "--tenant", "acme")
    return project


def test_what_happened(run: Run, traced: Path) -> None:
    listed = run("--project", traced, "trace", "list")
    assert (listed.code, listed.err) == (0, "")
    refused, answered = listed.out.splitlines()
    assert " refused " in refused
    assert " answered " in answered
    assert ANSWERABLE in answered
    assert not {"\x1b", "\x07", "\u202e"} & set(listed.out)

    trace_id = answered.split()[0]
    shown = run("--project", traced, "trace", "show", trace_id[-8:])
    assert shown.out.startswith(f"{trace_id}  support  answered")
    for step in ("admit", "retrieve", "attempt at quotes: answered", "ended by  its end"):
        assert step in shown.out
    assert not {"\x1b", "\x07"} & set(run("--project", traced, "trace", "show", refused.split()[0]).out)

    as_json = json.loads(run("--project", traced, "trace", "show", trace_id, "--json").out)
    assert as_json["trace_id"] == trace_id
    both = json.loads(run("--project", traced, "trace", "list", "--json").out)
    assert [one["outcome"] for one in both] == ["refused", "answered"]
    assert len(json.loads(run("--project", traced, "trace", "list", "--json", "--limit", "1").out)) == 1
    one = json.loads(run("--project", traced, "trace", "list", "--json", "--feature", "support").out)
    assert [trace["trace_id"] for trace in one] == [trace_id]

    others = json.loads(run("--project", traced, "trace", "list", "--json", "--tenant", "acme").out)
    assert len(others) == 1
    unknown = run("--project", traced, "trace", "show", trace_id, "--tenant", "acme", "--json")
    assert (unknown.code, unknown.out) == (1, "")
    assert json.loads(unknown.err)["error"]["code"] == "tracing.unknown"
    assert run("--project", traced, "trace", "show", "tr_").code == 1  # more than one


def test_no_calls_yet(run: Run, project: Path) -> None:
    ran = run("--project", project, "trace", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "no calls yet" in ran.err
