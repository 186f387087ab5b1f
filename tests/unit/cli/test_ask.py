"""`buttress ask`: answers on a terminal and as JSON, and every way to ask wrongly."""

import asyncio
import json
import shutil
from pathlib import Path

import msgspec
import pytest

from buttress.kernel.messages import Message
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.projects import ANSWERABLE, NONSENSE, SALARIES, put_on_ladder, write_document
from tests.unit.cli.conftest import Run


def test_an_answer_with_sources_and_figures(run: Run, project: Path) -> None:
    ran = run("--project", project, "ask", "support", ANSWERABLE)
    assert (ran.code, ran.err) == (0, "")
    answer, _, below = ran.out.partition("\nSources\n")
    assert "the answer says so" in answer
    assert "[1] welcome.md, Welcome > What happens when nothing fits  verbatim" in below
    assert "answered · model quotes" in below


def test_json_is_one_document(run: Run, project: Path) -> None:
    ran = run("--project", project, "ask", "support", ANSWERABLE, "--json")
    answer = json.loads(ran.out)
    assert (ran.code, answer["outcome"], answer["model"]) == (0, "answered", "quotes")
    assert answer["citations"][0]["state"] == "verbatim"
    assert answer["trace_id"].startswith("tr_")


def test_a_fallback_is_an_answer(run: Run, project: Path) -> None:
    ran = run("--project", project, "ask", "support", NONSENSE)
    assert ran.code == 0
    assert ran.out.startswith("I could not find an answer")
    assert "fallback (retrieve.nothing_relevant) · no model" in ran.out


def test_a_rule_answers(run: Run, project: Path) -> None:
    ran = run("--project", project, "ask", "support", "who are you")
    assert "I quote what I stand on" in ran.out
    assert "Sources" not in ran.out


def test_on_whose_behalf(run: Run, project: Path) -> None:
    asked = ("--project", project, "ask", "support", SALARIES)
    assert "band 7" in run(*asked, "--user", "ada").out
    assert "band 7" not in run(*asked, "--user", "eve").out
    assert "band 7" not in run(*asked, "--user", "ada", "--tenant", "acme").out
    assert "band 7" in run(*asked, "--user", "eve", "--group", "gardeners", "--group", "staff").out
    assert "band 7" not in run(*asked, "--group", "gardeners").out
    assert "band 7" not in run(*asked, "--group", "staff", "--tenant", "acme").out
    assert "band 7" not in run(*asked, "--user", "group:staff").out


def test_before_anything_was_read(run: Run, project: Path) -> None:
    """The fallback is on stdout; why, and what to run, on stderr."""
    shutil.rmtree(project / ".buttress" / "index")
    ran = run("--project", project, "ask", "support", ANSWERABLE)
    assert (ran.code, ran.out.startswith("There is no answer just now: the documents")) == (0, True)
    assert "knowledge.not_ingested" in ran.err.splitlines()[0]
    assert "buttress sync" in ran.err.splitlines()[1]
    told = json.loads(run("--project", project, "ask", "support", ANSWERABLE, "--json").out)
    (trouble,) = told["troubles"]
    assert "buttress sync" in trouble["hint"]


def test_a_key_that_is_missing(run: Run, project: Path) -> None:
    put_on_ladder(project, "http://127.0.0.1:9/v1", key="file:no-such-key")
    ran = run("--project", project, "ask", "support", ANSWERABLE)
    assert "answered · model quotes · rung-1 failed (settings.secret_missing) · " in ran.out
    assert ran.err.startswith("note: failed with settings.secret_missing: rung-1: ")
    assert "\nhint: " in ran.err
    assert "buttress doctor" in ran.err
    told = json.loads(run("--project", project, "ask", "support", ANSWERABLE, "--json").out)
    assert told["failed"] == [{"model": "rung-1", "code": "settings.secret_missing"}]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(["--input", '{"question": "who are you"}'], b"", id="as an argument"),
        pytest.param(["--input", "-"], b'{"question": "who are you"}\n', id="from standard input"),
    ],
)
def test_the_whole_input_may_be_given(run: Run, project: Path, arguments: list[str], stdin: bytes) -> None:
    ran = run("--project", project, "ask", "support", *arguments, stdin=stdin)
    assert (ran.code, "I quote what I stand on" in ran.out) == (0, True)


DEEP = '{"question": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        pytest.param([], b"", 2, "give a QUESTION or --input", id="nothing"),
        pytest.param(["Why?", "--input", "{}"], b"", 2, "one of them", id="both"),
        pytest.param(["--input", "{"], b"", 2, "not a JSON object", id="no JSON"),
        pytest.param(["--input", "[1]"], b"", 2, "Expected `object`, got `array`", id="no object"),
        pytest.param(
            ["--input", '{"question": NaN}'], b"", 2, "not a JSON object", id="a number JSON has not"
        ),
        pytest.param(["--input", '{"question": 1e999}'], b"", 2, "out of range", id="a number too large"),
        pytest.param(["--input", DEEP], b"", 2, "recursion", id="too deep"),
        pytest.param(["--input", "-"], b"\xff", 2, "not a JSON object", id="standard input that is no text"),
        pytest.param(["--input", "-"], b"", 2, "not a JSON object", id="nothing on standard input"),
        pytest.param(["--input", '{"question": 7}'], b"", 1, "question: 7 is not of type", id="a wrong type"),
        pytest.param(["--input", '{"x": 1}'], b"", 1, "gateway.input_invalid", id="a property too many"),
        pytest.param(["x" * 4_001], b"", 1, "gateway.input_invalid", id="too long"),
        pytest.param(["\udcff"], b"", 2, "not UTF-8", id="half a surrogate pair"),
    ],
)
def test_a_wrong_input_is_refused(
    run: Run, project: Path, arguments: list[str], stdin: bytes, code: int, said: str
) -> None:
    ran = run("--project", project, "ask", "support", *arguments, stdin=stdin)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "hint: " in ran.err


def test_a_feature_there_is_not(run: Run, project: Path) -> None:
    ran = run("--project", project, "ask", "suport", "Why?", "--json")
    error = json.loads(ran.err)["error"]
    assert (ran.code, ran.out, error["code"]) == (1, "", "gateway.feature_unknown")
    assert "support" in error["hint"]


def test_a_feature_with_mistakes(run: Run, project: Path) -> None:
    (project / "features" / "support" / "answer.md").unlink()
    ran = run("--project", project, "ask", "support", "Why?")
    assert ran.code == 2
    assert "feature.yaml:" in ran.err


@pytest.mark.slow
def test_documents_cannot_order_the_terminal_about(run: Run, project: Path) -> None:
    hostile = "# Kiosk\n\nThe kiosk opens at \x1b]0;owned\x07 \u202e nine \x9b31m o'clock.\n"
    write_document(project / "documents" / "kiosk.md", hostile)
    run("--project", project, "ingest", "docs")
    ran = run("--project", project, "ask", "support", "When does the kiosk open?")
    assert "The kiosk opens" in ran.out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(ran.out)


async def test_a_cut_answer_says_so(run: Run, project: Path) -> None:
    said = ("Nothing is made up. [4] ", "And there is mo")
    async with ScriptedUpstream([Reply(chunks=said, ending="cut", after=2)]) as upstream:
        put_on_ladder(project, upstream.url)
        ran = await asyncio.to_thread(run, "--project", project, "ask", "support", ANSWERABLE)
    assert ran.code == 0
    # Passage 4 does not say so; passage 1 does.
    assert ran.out.startswith("Nothing is made up. [1]\n\n(The answer was cut off here.)")
    assert "fallback (models.stream_cut) · model rung-1" in ran.out
    assert "cost $0.000" in ran.out  # about what came; the trace says that it is estimated


@pytest.mark.slow
async def test_a_conversation_goes_on_from_one_command_to_the_next(run: Run, project: Path) -> None:
    async with ScriptedUpstream([Reply(chunks=("Nothing is made up. [1]",))]) as upstream:
        put_on_ladder(project, upstream.url)
        patient = ("prompts.memory.timeout_s=10", "prompts.memory.open_timeout_s=60")
        flags = [part for one in patient for part in ("--set", one)]
        ask = ("--project", project, *flags, "ask", "support", ANSWERABLE, "--conversation", "c1")
        for user in ("ada", "ada", "eve"):
            assert (await asyncio.to_thread(run, *ask, "--user", user)).code == 0
    counts = [len(msgspec.convert(one.body["messages"], list[Message])) for one in upstream.received]
    assert counts == [2, 4, 2]
