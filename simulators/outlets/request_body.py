"""Bodies of requests to a simulator: read in pieces, so many bytes at most, within a time."""

import asyncio
from typing import Final

from starlette.requests import Request

from facility.errors import UsageError
from facility.sentence import Sentence
from simulators.control import MAX_LINE

MAX_BODY: Final = MAX_LINE
"""Bytes; the same as a request to the control socket may have."""
BODY_S: Final = 10.0
"""So long a body may take to arrive, however large it is."""


class BodyTooLargeError(UsageError):
    """A body is longer than `MAX_BODY`."""


class BodyTooSlowError(UsageError):
    """A body was not complete in time."""


async def read_body(request: Request, body_s: float = BODY_S) -> bytes:
    """Return the body of a request; one that states a length above the limit is not read.

    Raises
    ------
    BodyTooLargeError
        If it has more than `MAX_BODY` bytes; at most one piece more was held.
    BodyTooSlowError
        If it is not complete within `body_s` seconds.
    """
    stated = request.headers.get("content-length", "0")
    if not stated.isdecimal() or len(stated) > 19 or int(stated) > MAX_BODY:
        raise _too_large(f"Content-Length is {stated[:40]}")
    body = bytearray()
    try:
        async with asyncio.timeout(body_s):
            async for piece in request.stream():
                if len(body) + len(piece) > MAX_BODY:
                    raise _too_large("more came")
                body += piece
    except TimeoutError as error:
        raise BodyTooSlowError(
            Sentence(
                "the body was not complete within {body_s:g} s; nothing was done: send it again at once", body_s=body_s
            )
        ) from error
    return bytes(body)


def _too_large(what: str) -> BodyTooLargeError:
    return BodyTooLargeError(
        Sentence(
            "the body is too large ({what}): at most {max_body:,} bytes are read; nothing was done: send a smaller one",
            what=what,
            max_body=MAX_BODY,
        )
    )
