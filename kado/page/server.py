"""Serves the page beside collection: in a thread with an event loop of its own, so that neither waits for the other."""

import asyncio
import json
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from facility.errors import ConfigError, KadoError
from facility.sentence import Sentence
from facility.time import format_time
from kado.language import LANGUAGES, in_language, tr
from kado.page.access.slow_clients import PatientProtocol
from kado.page.application import build_page
from kado.page.context import PageContext
from kado.queries.page_exposure import check_exposure
from storage.data_dir import DataDir

if TYPE_CHECKING:
    from jinja2 import Environment

_LOG: Final = logging.getLogger(__name__)

CLOSING_S: Final = 2
"""So long requests that are being answered may take at the end."""


class _Server(uvicorn.Server):
    """Ends the streams of events first, so that closing waits for no viewer."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close; see uvicorn."""
        state: Any = getattr(self.config.app, "state", None)
        if (board := getattr(state, "board", None)) is not None:
            board.close()
        await super().shutdown(sockets)


class PageServer:
    """The page of one running kado.

    Contract: `listen`, then `run` once as a task; cancelling it closes the page. An error of the page is logged and
    written to ``page.json`` in the data directory, from which `kado status` reads it; it never reaches the caller.
    """

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._sockets: list[socket.socket] = []
        self._server: uvicorn.Server | None = None
        self.problem = ""
        """Why the page is not served."""

    @property
    def address(self) -> str | None:
        """Where the page is, such as ``http://127.0.0.1:8420/``; None if it is not served."""
        if not self._sockets or self.problem:
            return None
        host, port = self._sockets[0].getsockname()[:2]
        return f"{'https' if self._context.settings.is_encrypted else 'http'}://{host}:{port}/"

    def listen(self, *, or_any_port: bool = False) -> bool:
        """Take the port; return whether that was possible.

        Parameters
        ----------
        or_any_port
            Whether to take any free port where the one of the configuration is in use.
        """
        listen = self._context.settings.listen
        try:
            check_exposure(self._context.configuration, self._context.settings)
            self._sockets = [_bound(listen, or_any_port=or_any_port)]
        except KadoError as error:
            self._failed(str(error))
            return False
        self._write()
        return True

    async def run(self) -> None:
        """Serve until cancelled."""
        if self.address is None:
            return
        ended, stopping = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def serve() -> None:
            try:
                server = self._server = _Server(self._uvicorn())
                warm_up(server.config.app)
                server.should_exit = stopping.is_set()
                asyncio.run(server.serve(self._sockets))
                if not server.should_exit:
                    self._failed("the page ended by itself")
            except Exception as error:
                _LOG.exception("the page ended")
                self._failed(f"{type(error).__name__}: {error}")
            finally:
                loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=serve, name="page", daemon=True)
        thread.start()
        try:
            await ended.wait()
        finally:
            stopping.set()
            if self._server is not None:
                self._server.should_exit = True
            await asyncio.to_thread(thread.join, CLOSING_S + 3)
            self.close()

    def _uvicorn(self) -> uvicorn.Config:
        settings, folder = self._context.settings, self._context.configuration.folder
        return uvicorn.Config(
            build_page(self._context),
            http=PatientProtocol,
            # Who the proxy is, and what it says, is decided by the gate of the page.
            proxy_headers=False,
            ssl_certfile=None if settings.certificate_file is None else folder / settings.certificate_file,
            ssl_keyfile=None if settings.key_file is None else folder / settings.key_file,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=CLOSING_S,
            lifespan="on",
            ws="none",
        )

    def close(self) -> None:
        """Give the port back; harmless when done twice."""
        for taken in self._sockets:
            taken.close()
        self._sockets = []

    def _failed(self, problem: str) -> None:
        self.problem = problem
        _LOG.warning("the page is not served: %s", problem)
        self._write()

    def _write(self) -> None:
        path = DataDir(self._context.configuration.data_dir).page
        document = {
            "address": self.address,
            "since": format_time(self._context.clock(), self._context.profile.zone),
            "problem": self.problem or None,
        }
        try:
            path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", path, error)


def warm_up(page: Any) -> None:
    """Read texts and templates before the first viewer comes, who would wait for them."""
    environment: Environment = page.state.templates
    for name in environment.list_templates():
        environment.get_template(name)
    for language in LANGUAGES:
        with in_language(language):
            tr("Now")


def _bound(listen: str, *, or_any_port: bool) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    ConfigError
        If the address cannot be listened on.
    """
    host, _, port = listen.rpartition(":")
    for number in (int(port), 0) if or_any_port else (int(port),):
        taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, number))
            taken.listen(1024)
            taken.setblocking(False)
        except OSError as error:
            taken.close()
            if number == 0 or not or_any_port:
                raise ConfigError(
                    Sentence(
                        "page.listen is {listen!r}, which cannot be listened on ({reason}): choose another "
                        "address or port",
                        listen=listen,
                        reason=error.strerror or error,
                    )
                ) from error
            continue
        return taken
    raise AssertionError("unreachable")
