"""Log lines: JSON for machines, ours and our libraries' alike, and only those that are asked for."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from buttress.tracing.logs import configure_logs
from buttress.tracing.settings import TracingSettings


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Put logging back as pytest wants it."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.getLogger("buttress").level
    yield
    root.handlers[:], level, ours = before
    root.setLevel(level)
    logging.getLogger("buttress").setLevel(ours)
    structlog.reset_defaults()


def test_each_line_is_one_json_object() -> None:
    stream = StringIO()
    configure_logs(TracingSettings(log_level="info"), stream)
    structlog.get_logger("buttress.storage").info("server.started", pid=7)
    logging.getLogger("somebody.else").warning("careful\nwith %s", "lines")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["pid"], first["level"], first["logger"]) == (
        "server.started",
        7,
        "info",
        "buttress.storage",
    )
    assert second["event"] == "careful\nwith lines"
    assert second["timestamp"].endswith("Z")


def test_what_is_less_severe_than_asked_for_is_left_out() -> None:
    stream = StringIO()
    configure_logs(TracingSettings(log_level="warning"), stream)
    structlog.get_logger("buttress.x").info("chatter")
    logging.getLogger("buttress.x").info("chatter")
    logging.getLogger("somebody.else").info("chatter")
    assert stream.getvalue() == ""


def test_an_error_is_written_with_its_traceback_in_the_same_line() -> None:
    stream = StringIO()
    configure_logs(TracingSettings(), stream)
    try:
        int("odd")
    except ValueError:
        logging.getLogger("buttress.x").exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "wanted", "coloured"),
    [
        pytest.param(_Terminal(), True, True, id="a terminal"),
        pytest.param(_Terminal(), False, False, id="a terminal of somebody who wants none"),
        pytest.param(StringIO(), True, False, id="a pipe"),
    ],
)
def test_colours_are_for_terminals_that_want_them(stream: StringIO, *, wanted: bool, coloured: bool) -> None:
    configure_logs(TracingSettings(log_format="text"), stream, colours=wanted)
    logging.getLogger("buttress.x").warning("careful")
    assert ("\x1b" in stream.getvalue()) == coloured
