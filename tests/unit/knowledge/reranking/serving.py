"""A service that re-ranks, over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def service(answer: Handler) -> AsyncIterator[str]:
    """Run a service that answers `/v1/rerank` for the block; give its address."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/rerank", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
