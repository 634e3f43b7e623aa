"""Whether somebody who was let in still may be there: an open stream ends with the session, or with the account."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from kado.page.access.setup import access_of
from kado.page.access.visitor import visitor_of

if TYPE_CHECKING:
    from kado.page.access.sessions import Session

CHECK_S: Final = 2.0
"""An open stream is looked at this often, at its next event."""


def lasting(request: Request) -> Callable[[], Awaitable[bool]]:
    """Return a function that says whether the visitor of a request may still read.

    A session must hold, a user whom the proxy names must have a role; who reads without a name may go on.
    """
    access, visitor = access_of(request), visitor_of(request)
    session: Session | None = getattr(request.state, "session", None)
    proxy = access.settings.proxy

    async def lasts() -> bool:
        if visitor.name is None:
            return True
        account = (await access.accounts.accounts_lately()).get(visitor.name)
        if session is not None:
            return access.sessions.problem(session, account, time.time()) is None
        return account is not None or (proxy is not None and proxy.default_role is not None)

    return lasts


async def while_it_lasts(
    parts: AsyncGenerator[bytes],
    lasts: Callable[[], Awaitable[bool]],
    last_part: bytes,
    clock_s: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[bytes]:
    """Yield the parts of a stream until its reader may read no more; then `last_part`, and end."""
    check_s = clock_s() + CHECK_S
    async with aclosing(parts):
        async for part in parts:
            if clock_s() >= check_s:
                if not await lasts():
                    yield last_part
                    return
                check_s = clock_s() + CHECK_S
            yield part
