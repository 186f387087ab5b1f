"""Log lines: structured from the start, JSON for machines, plain for a person at a terminal."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from buttress.tracing.settings import TracingSettings


def configure_logs(settings: TracingSettings, stream: TextIO | None = None, *, colours: bool = True) -> None:
    """Send all log lines of this process, ours and our libraries', to `stream` (standard error).

    Without `colours` a terminal gets none either; what is no terminal never does.
    """
    stream = stream or sys.stderr
    level = getattr(logging, settings.log_level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(settings, shared, colours=colours and stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("buttress").setLevel(level)


def _formatter(settings: TracingSettings, shared: list[Processor], *, colours: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=colours)
    )
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[strip, renderer])
