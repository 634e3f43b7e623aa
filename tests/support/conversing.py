"""The other side of `conversation`: what the programs have in common."""

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


def say(**document: Any) -> None:
    """Print one line; from any thread."""
    with _ONE_AT_A_TIME:
        print(json.dumps(document), flush=True)


async def converse(**commands: Callable[..., Awaitable[Any]]) -> None:
    """Do what each line asks, until there are no more."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        try:
            say(reply=await commands[asked.pop("do")](**asked))
        except Exception as error:
            say(error=f"{type(error).__name__}: {error}")
