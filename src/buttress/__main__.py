"""`python -m buttress` is `buttress`."""

from buttress.cli.main import run

run()
