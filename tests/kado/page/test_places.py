"""The page has places for so many connections and streams: one more is refused, and a place that is left is free."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Never

import httpx
import pytest
import uvicorn

from kado.page.access import slow_clients
from kado.page.access.slow_clients import PatientProtocol
from kado.page.board import Board
from kado.page.now_view import fragments_of
from kado.page.routes import events_stream
from kado.page.waker import Waker
from page_clients import HOST, open_page
from waiting import until

pytestmark = pytest.mark.blocking("templates are read by the first answer, in the loop of the test")

WAIT_S = 60.0


class Server(uvicorn.Server):
    """Leaves the signals of the process alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[int]:
    """Serve the page by the protocol that kado serves it by; the port is given."""
    config = uvicorn.Config(
        app, http=PatientProtocol, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1
    )
    server = Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = asyncio.create_task(server.serve([listening]))
        await until(lambda: server.started)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await running


class Connection:
    """A connection that is kept after each answer."""

    async def open(self, port: int) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def is_answered(self) -> bool:
        """Ask for a page; False if the connection is closed instead."""
        with suppress(ConnectionError):
            self._writer.write(f"HEAD /login HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            async with asyncio.timeout(WAIT_S):
                lines = [await self._reader.readline()]
                while lines[-1].strip():
                    lines.append(await self._reader.readline())
            return lines[0].startswith(b"HTTP/1.1 ")
        return False

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


async def test_a_connection_beyond_the_limit_is_closed_and_a_place_that_is_left_is_given_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "most_connections", 2)
    async with open_page(folder) as page, served(page.app) as port:
        first, second = await Connection().open(port), await Connection().open(port)
        assert [await first.is_answered(), await second.is_answered()] == [True, True]
        third = await Connection().open(port)
        assert not await third.is_answered()
        assert await second.is_answered()
        await first.close()
        async with asyncio.timeout(WAIT_S):
            # The server may notice later than the client that a connection has ended.
            while not await (again := await Connection().open(port)).is_answered():
                await again.close()
        for connection in (second, third, again):
            await connection.close()


def never_looks(*_: object) -> Never:
    raise AssertionError("the whole state was asked for")


async def test_a_stream_beyond_the_limit_is_refused_and_a_place_that_is_left_is_given_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_stream, "MOST_STREAMS", 2)
    async with open_page(folder) as page, served(page.app) as port, httpx.AsyncClient(timeout=WAIT_S) as client:
        # No service runs beside this page: the streams go on behind an event that they have had.
        board = Board(never_looks, dict, Waker(), fragments_of(page.app.state.templates), "1")
        monkeypatch.setattr(page.app.state, "board", board)
        headers = {"Host": HOST, "Last-Event-ID": f"{vars(board.programs)['_boot']}-0"}
        request = client.build_request("GET", f"http://127.0.0.1:{port}/events", headers=headers)
        streams: list[httpx.Response] = []
        for n in (1, 2):
            streams.append(await client.send(request, stream=True))
            assert streams[-1].status_code == 200, await streams[-1].aread()
            await until(lambda n=n: board.viewers == n)
        refused = await client.send(request)
        assert refused.status_code == 503
        assert refused.json()["error"]["message"] == "2 streams are open, which is the most: close some of them"
        await streams.pop().aclose()
        await until(lambda: board.viewers == 1)
        streams.append(await client.send(request, stream=True))
        assert streams[-1].status_code == 200
        await until(lambda: board.viewers == 2)
        board.programs.send("now", {"n": 1})
        for stream in streams:
            async with asyncio.timeout(WAIT_S):
                assert "event: now" in [line async for line in first_lines(stream)]
        board.close()
        for stream in streams:
            await stream.aclose()


async def first_lines(stream: httpx.Response) -> AsyncGenerator[str]:
    """Yield the lines of a stream up to the end of its first event."""
    async for line in stream.aiter_lines():
        yield line
        if line.startswith("data:"):
            return


def test_streams_leave_places_for_requests() -> None:
    assert events_stream.MOST_STREAMS + 100 <= slow_clients.MOST_CONNECTIONS
