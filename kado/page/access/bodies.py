"""How large a body may be, and how long it may take to come."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kado.language import tr
from kado.page.access.gate import answer_refusal
from kado.page.access.visitor import RefusedError

MAX_BYTES: Final = 256 * 1024
"""A form with the longest texts that it takes is a tenth of that."""
BODY_S: Final = 20.0
"""So long a body may take to arrive, however large it is."""


class BodyLimitMiddleware:
    """Refuses a large body before it is read, and one that comes too slowly."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BYTES, body_s: float = BODY_S) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > self._max_bytes:
            await answer_refusal(request, self._too_large(stated))(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        received, complete, until = 0, False, loop.time() + self._body_s

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                # From here on only the end of the connection can come.
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError as error:
                raise RefusedError(
                    408,
                    tr("The request took too long to arrive. Nothing was written."),
                    f"body not complete after {self._body_s:g} s",
                ) from error
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > self._max_bytes:
                raise self._too_large(f"more than {self._max_bytes}")
            return message

        await self._app(scope, limited, send)

    def _too_large(self, stated: str) -> RefusedError:
        return RefusedError(
            413,
            tr(
                "The request is too large: at most {n} bytes are accepted. Nothing was written.",
                n=f"{self._max_bytes:,}",
            ),
            f"body of {stated[:30]} bytes, at most {self._max_bytes} are taken",
        )
