"""Calls that wait for a server, in threads that the end of the program does not wait for."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result], name: str) -> Result:
    """Return what a blocking call returns, or raise what it raises.

    A cancelled call goes on in its thread until its own time limit and is forgotten; unlike with `asyncio.to_thread`
    the process ends without it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def resolve(result: Result | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # pyright: ignore[reportArgumentType]  # the type is the caller's

    def run() -> None:
        result: Result | None = None
        failed: BaseException | None = None
        try:
            result = call()
        except BaseException as error:
            failed = error
        # On a loop that is closed nothing waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(resolve, result, failed)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
