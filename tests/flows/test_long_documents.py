"""A long text read through the command line: what was paid for is not paid for again, whatever kills it."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.running import buttress, command, end_all
from tests.projects import put_on_ladder
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PIECES = 40
PARALLEL = 4
FEATURE = f"""
input:
  type: object
  properties: {{question: {{type: string}}, text: {{type: string}}}}
  required: [question, text]
stages:
  - {{name: read, kind: map, text: text, ladder: answers, piece_tokens: 200, parallel: {PARALLEL}}}
fallback: {{kind: text, text: There is nothing about that in it.}}
"""
TEXT = "\n\n".join(f"Chapter {number}. " + "It rained on that day again. " * 18 for number in range(PIECES))


def a_project(folder: Path, url: str) -> Path:
    """Return a project with one feature, which reads long texts with the model at `url`."""
    feature = folder / "features" / "digest"
    feature.mkdir(parents=True)
    (feature / "feature.yaml").write_text(FEATURE)
    (folder / "buttress.yaml").write_text("")
    put_on_ladder(folder, url)
    return folder


def told(received: Received) -> Reply:
    """Answer each request a little late, so that there is a half-way."""
    return Reply(chunks=(f"It rained in chapter {chapter_of(received)}.",), first_delay_s=0.05)


def chapter_of(received: Received) -> str:
    """Return the first chapter that a request shows."""
    found = re.search(r"[Cc]hapter (\d+)", received.question)
    return found[1] if found else ""


async def test_killed_half_way_and_asked_again_it_goes_on(tmp_path: Path) -> None:
    async with ScriptedUpstream(told) as upstream:
        project = a_project(tmp_path / "project", upstream.url)
        given = msgspec.json.encode({"question": "Did it rain?", "text": TEXT}).decode()
        first = await asyncio.create_subprocess_exec(
            *command(project, "ask", "digest", "--input", given),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await until(lambda: len(upstream.received) > PIECES // 2, within_s=60)
        first.kill()
        await first.wait()
        before = len(upstream.received)
        assert before < PIECES
        done = await asyncio.to_thread(buttress, project, "ask", "digest", "--input", given, within_s=120)
        end_all(project)
        assert done.returncode == 0, done.stderr
        pieces = Counter(chapter_of(one) for one in upstream.received if "<piece>" in one.question)
    assert f"pieces: {PIECES} of {PIECES}" in done.stderr
    told_of = re.search(r"answered .* (\d+) pieces, (\d+) merges?, (\d+) kept from before", done.stdout)
    assert told_of, done.stdout
    assert int(told_of[1]) == PIECES
    # Those that were under way when it was killed are asked once more, and no others.
    assert set(pieces) == {str(number) for number in range(PIECES)}
    assert sum(count - 1 for count in pieces.values()) <= PARALLEL
    assert int(told_of[3]) >= before - PARALLEL
