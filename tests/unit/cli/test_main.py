"""The group of commands: quick help, exit codes, and no way out with a traceback."""

import asyncio
import inspect
import json
import os
import pty
import re
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from functools import partial
from importlib import import_module
from importlib.metadata import version
from io import FileIO
from pathlib import Path

import click
import pytest

from buttress.app.layout import spool_folder
from buttress.cli.main import COMMANDS, cli
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.projects import ANSWERABLE, put_on_ladder
from tests.unit.cli.conftest import Run
from tests.waiting import until

HEAVY = {"aiohttp", "lancedb", "numpy", "onnxruntime", "psycopg", "pyarrow", "rich", "buttress.app"}
LITTLE = {
    "a",
    "an",
    "and",
    "at",
    "for",
    "from",
    "in",
    "is",
    "it",
    "of",
    "or",
    "the",
    "them",
    "then",
    "to",
    "what",
}


def words(text: str) -> list[str]:
    """Return the words of a sentence that carry its meaning, without their endings."""
    found = re.findall(r"[a-z]+", text.lower())
    return [word.removesuffix("s").removesuffix("e") for word in found if word not in LITTLE]


def on_a_terminal(words: list[str], environment: dict[str, str]) -> str:
    """Return what a command prints on a terminal, its errors included."""
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}  # noqa: TID251 - of a process, not ours
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 - a number, not a path
        process = subprocess.Popen(
            [sys.executable, "-m", "buttress", *words],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env=inherited | environment,
        )
        os.close(theirs)
        said = b"".join(iter(partial(_read, terminal), b""))
        process.wait(timeout=30)
    return said.decode()


def _read(terminal: FileIO) -> bytes:
    try:
        return terminal.read(65_536) or b""
    except OSError:  # how Linux says that the other side is closed
        return b""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    """The same deed first, and most of the words; so a table that was forgotten is found."""
    found = getattr(import_module(COMMANDS[name][0]), name)
    assert isinstance(found, click.Command)
    assert found.name == name
    in_table, told = words(COMMANDS[name][1]), words(inspect.cleandoc(found.help or ""))
    assert in_table[0] in told
    assert 2 * len([word for word in in_table if word in told]) >= len(in_table)
    assert COMMANDS[name][1].endswith(".")


def test_help_lists_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from buttress.cli.main import main; code = main(['--help']);"
        f"print('LOADED', [one for one in {sorted(HEAVY)!r} if one in sys.modules]); sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    listing, _, loaded = ran.stdout.partition("LOADED ")
    assert loaded.strip() == "[]"
    assert [line.split()[0] for line in listing.partition("Commands:")[2].splitlines() if line] == list(
        COMMANDS
    )


@pytest.mark.parametrize("arguments", [[name, "--help"] for name in COMMANDS] + [["trace", "show", "-h"]])
def test_every_command_has_help(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: buttress")


def test_every_option_says_what_it_does() -> None:
    commands: list[click.Command] = [cli]
    for name in COMMANDS:
        found = cli.get_command(click.Context(cli), name)
        assert found is not None
        commands += [found, *(found.commands.values() if isinstance(found, click.Group) else ())]
    for one in commands:
        options = [parameter for parameter in one.params if isinstance(parameter, click.Option)]
        assert all(option.help for option in options), one.name


def test_the_version(run: Run) -> None:
    assert run("--version").out.strip().endswith(version("buttress"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["asc"], "No such command", id="a command there is not"),
        pytest.param(["ask", "--jsn"], "No such option", id="an option there is not"),
        pytest.param(["search", "docs"], "Missing argument", id="too little"),
        pytest.param(["search", "docs", "x", "--limit", "0"], "0 is not in the range", id="out of range"),
        pytest.param(["--set"], "requires an argument", id="an option without its value"),
    ],
)
def test_a_misused_command_is_one_line_and_a_hint(run: Run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "\nhint: See" in ran.err
    assert "buttress" in ran.err


@pytest.mark.parametrize("arguments", [[], ["trace"], ["config"]])
def test_a_name_alone_is_answered_with_help(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: buttress")
    assert "error:" not in ran.err


def test_with_json_an_error_is_json(run: Run) -> None:
    ran = run("ask", "--json", "--nope")
    assert json.loads(ran.err)["error"]["code"] == "cli.misused"
    assert ran.code == 2


def test_a_setting_that_is_wrong_names_itself(run: Run, ingested: Path) -> None:
    ran = run("--project", ingested, "--set", "server.prt=1", "releases")
    assert ran.code == 0  # this one reads no settings
    ran = run("--project", ingested, "--set", "server.prt=1", "config", "show")
    assert ran.code == 2
    assert "Did you mean `port`?" in ran.err


def test_what_the_machine_refuses_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = run("init", tmp_path / "file" / "project")
    assert ran.code == 1
    assert ran.err.startswith(f"error: {tmp_path}")
    assert ran.err.endswith("\n(cli.machine_refused)\n")
    ran = run("init", tmp_path / "file" / "project", "--json")
    assert ran.code == 2  # `init` has no such option; also that is said as JSON
    assert json.loads(ran.err)["error"]["code"] == "cli.misused"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["ask", "support", "\udcff"], id="a question"),
        pytest.param(["ask", "support", "Why?", "--user", "\udcff"], id="a user"),
        pytest.param(["ask", "support", "Why?", "--group", "\udcff"], id="a group"),
        pytest.param(["search", "docs", "Why?", "--tenant", "a\udcff"], id="a tenant"),
        pytest.param(["--set", "server.host=\udcff", "config", "show"], id="a setting"),
        pytest.param(["trace", "list", "--feature", "\udcff"], id="a feature"),
        pytest.param(["--project", "\udcff", "releases"], id="a folder"),
        pytest.param(["\udcff"], id="a command"),
    ],
)
def test_words_that_are_no_text_are_refused_at_the_edge(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "\\xff` is not UTF-8" in ran.err.splitlines()[0]
    assert json.loads(run(*arguments, "--json").err)["error"]["code"] == "cli.misused"


class TestAProcess:
    """What only a process of its own shows."""

    def test_as_a_module(self, command: Run) -> None:
        assert command("--version").out.startswith("buttress")

    def test_words_that_are_no_text(self, command: Run) -> None:
        ran = command("ask", b"support\xff", "Why?")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("error: `support\\xff` is not UTF-8\n")

    def test_a_folder_whose_name_is_no_text(self, command: Run, tmp_path: Path) -> None:
        folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
        (Path(folder) / "features").mkdir(parents=True)
        ran = command("config", "show", cwd=Path(folder))
        assert (ran.code, ran.out) == (2, "")
        assert "is not UTF-8" in ran.err

    @pytest.mark.parametrize("word", ["\u202e".encode(), b"\x1b[31m"])
    def test_words_that_order_the_terminal_about(self, command: Run, ingested: Path, word: bytes) -> None:
        ran = command("--project", ingested, "ask", word, "Why?")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: no feature is called")
        assert not {"\x1b", "\u202e"} & set(ran.err)

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param(["config", "show", "--json"], id="of one piece"),
            pytest.param(["config", "show"], id="of a table"),
            pytest.param(["ask", "support", ANSWERABLE], id="of a stream", marks=pytest.mark.slow),
        ],
    )
    def test_a_reader_that_leaves(self, project: Path, arguments: list[str]) -> None:
        """As `| head` does."""
        words = [sys.executable, "-m", "buttress", "--project", str(project), *arguments]
        with subprocess.Popen(words, stdout=PIPE, stderr=PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            said = process.stderr.read()
            assert (process.wait(timeout=30), said) == (1, b"")

    @pytest.mark.slow
    def test_a_terminal_that_knows_little(self, project: Path) -> None:
        words = [sys.executable, "-m", "buttress", "--project", str(project), "ask", "support", ANSWERABLE]
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}  # noqa: TID251 - of a process, not ours
        ran = subprocess.run(words, capture_output=True, env=environment, check=False)
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert b"model quotes" in ran.stdout

    @pytest.mark.slow
    async def test_control_c(self, project: Path) -> None:
        """While a model is waited for: 130, no traceback, and the trace says cancelled."""
        async with ScriptedUpstream([Reply(first_delay_s=60)]) as upstream:
            put_on_ladder(project, upstream.url)
            words = ["-m", "buttress", "--project", str(project), "ask", "support", ANSWERABLE]
            process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=PIPE, stderr=PIPE)
            async with asyncio.timeout(40):
                await until(lambda: upstream.running, 60)
                process.send_signal(signal.SIGINT)
                _, said = await process.communicate()
                await upstream.received[0].hung_up.wait()
        assert (process.returncode, b"Traceback" in said) == (130, False)
        (spool,) = spool_folder(project).glob("*.sealed")
        assert b'"outcome":"cancelled"' in spool.read_bytes()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("words", "environment", "coloured"),
        [
            pytest.param([], {}, True, id="on a terminal"),
            pytest.param(["--no-color"], {}, False, id="told by an option"),
            pytest.param([], {"NO_COLOR": "yes please"}, False, id="told by the environment"),
            pytest.param([], {"NO_COLOR": ""}, True, id="told nothing by an empty variable"),
        ],
    )
    def test_colours(
        self, tmp_path: Path, words: list[str], environment: dict[str, str], *, coloured: bool
    ) -> None:
        (tmp_path / "features").mkdir()
        told = [*words, "--project", str(tmp_path)]
        for last in (["config", "show", "--changed", "--set"], ["config", "show"]):
            assert ("\x1b" in on_a_terminal([*told, *last], environment)) == coloured
