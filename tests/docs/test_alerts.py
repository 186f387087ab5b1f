"""What docs/how-to/be-told-of-spend.md shows: its files are read, its receiver believes what we send."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from buttress.spend.budgets import Budget
from buttress.spend.declaration import read_budgets
from buttress.watch.declaration import read_routes

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "be-told-of-spend.md").read_text("utf-8")
YAML = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.search(r"<!-- runs in tests/docs -->\n```python\n(.*?)```", PAGE, re.DOTALL)
SECRET = "whsec_" + "b3" * 22


def test_its_alerts_yaml_is_one() -> None:
    assert YAML
    routes = read_routes(YAML[1], Path("alerts.yaml"))
    assert isinstance(routes, tuple), routes
    assert [route.name for route in routes] == ["finance", "ops"]


def test_the_shares_that_it_shows_may_be_written() -> None:
    text = "budgets: {soft: {limit: 5 USD, window: day, hard: false, alerts: [80, 100, 150]}}"
    (budget,) = read_budgets(text, Path("budgets.yaml"))
    assert isinstance(budget, Budget), budget
    assert "alerts: [80, 100, 150]" in PAGE


@pytest.mark.slow
def test_its_receiver_believes_what_we_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PYTHON
    monkeypatch.setenv("OPS_WEBHOOK_SECRET", SECRET)
    program = (
        PYTHON[1]
        .replace("8800", "0")
        .replace("HTTPServer((", "server = HTTPServer((")
        .replace(").serve_forever()", "); print(server.server_port, flush=True); server.serve_forever()")
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout
            url = f"http://127.0.0.1:{int(receiver.stdout.readline())}/"
            (tmp_path / "alerts.yaml").write_text(
                f"webhooks: {{ops: {{url: '{url}', secret: env:OPS_WEBHOOK_SECRET}}}}"
            )
            (tmp_path / "buttress.yaml").touch()
            command = [sys.executable, "-m", "buttress", "--project", str(tmp_path), "alerts", "test", "ops"]
            sent = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (sent.returncode, "the answer was 204" in sent.stdout) == (0, True), sent.stderr
            assert "A test of the webhook ops" in receiver.stdout.readline()
        finally:
            receiver.kill()
