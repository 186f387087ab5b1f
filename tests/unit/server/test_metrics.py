"""Metrics of all workers, whichever is scraped."""

import asyncio
from pathlib import Path

from buttress.kernel.clock import SystemClock
from buttress.processes.announcing import Announcer
from buttress.server.metrics import WorkerMetrics
from buttress.tracing.metrics import UPSTREAMS
from tests.unit.server.serving import serving
from tests.unit.tracing.test_metrics import changed, values


def test_one_worker_answers_for_all(tmp_path: Path) -> None:
    first, second = WorkerMetrics(tmp_path, "calls-1"), WorkerMetrics(tmp_path, "calls-2")
    Announcer(tmp_path, "calls-2", SystemClock()).say(ready=True)
    first.observe(changed(outcome="answered"))
    second.observe(changed(outcome="fallback"))
    second.write()
    second.observe(changed(outcome="fallback"))
    found = values(first.scrape())
    assert found["buttress_calls_total", "support", "answered", "calls-1"] == 1
    assert found["buttress_calls_total", "support", "fallback", "calls-2"] == 1


def test_a_worker_that_is_gone_does_not_count(tmp_path: Path) -> None:
    WorkerMetrics(tmp_path, "calls-2").write()
    assert b"calls-2" not in WorkerMetrics(tmp_path, "calls-1").scrape()


def test_what_runs_is_counted_until_it_has_ended(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path, "calls-1")
    with metrics.running, metrics.running:
        assert values(metrics.scrape())["buttress_calls_running", "calls-1"] == 2
    assert values(metrics.scrape())["buttress_calls_running", "calls-1"] == 0


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.write_text("a file")
    WorkerMetrics(folder, "calls-1").write()


async def test_what_could_leak_is_counted(tmp_path: Path) -> None:
    metrics = WorkerMetrics(tmp_path, "calls-1", lambda: {UPSTREAMS: {(): 3}})
    before = values(metrics.scrape())
    async with asyncio.TaskGroup() as group:
        sleeping = [group.create_task(asyncio.sleep(60)) for _ in range(5)]
        found = values(metrics.scrape())
        for task in sleeping:
            task.cancel()
    assert found["buttress_tasks", "calls-1"] == before["buttress_tasks", "calls-1"] + 5
    assert found["buttress_upstream_connections", "calls-1"] == 3


async def test_calls_are_seen_over_http(project: Path) -> None:
    async with serving(project) as server:
        async with server.ask("Hi?"), server.ask("Hi?", feature="no-such"):
            pass
        async with server.session.get(f"{server.url}/metrics") as response:
            assert response.content_type == "text/plain"
            found = values(await response.read())
    assert found["buttress_calls_total", "chat", "answered", "calls"] == 1
    assert found["buttress_calls_total", "unknown", "refused", "calls"] == 1
    assert found["buttress_tokens_total", "input", "scripted", "calls"] == 7
    assert found["buttress_upstream_connections", "calls"] == 1
