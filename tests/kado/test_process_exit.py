"""How a command ends while a thread of a library still waits for a server."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LEFT_BEHIND = """
import asyncio, socket, sys, time

sys.path.insert(0, {root!r})
from kado.process_exit import Ending

ending = Ending()
import tango
from collector.sources.blocking import in_thread

silent = socket.socket()
silent.bind(("127.0.0.1", 0))
silent.listen(5)
came = []


def wait():
    came.append(1)
    tango.DeviceProxy(f"tango://127.0.0.1:{{silent.getsockname()[1]}}/a/b/c#dbase=no")


async def main():
    call = asyncio.create_task(in_thread(wait, "a server that says nothing"))
    while not came:
        await asyncio.sleep(0.01)
    call.cancel()


class TakenDown:
    # Taking Python down lasts longer than the call, as it may on a busy machine.
    def __del__(self, sleep=time.sleep):
        sleep(10)


asyncio.run(main())
sys.taken_down = TakenDown()
print("printed")
try:
    {end}
except SystemExit as ended:
    ending.ends_with(ended)
    raise
"""


def ended(end: str) -> tuple[int, str, str]:
    script = LEFT_BEHIND.format(root=str(ROOT), end=end)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("code", [0, 3])
def test_a_call_that_is_left_behind_does_not_take_the_exit_code_away(code: int) -> None:
    assert ended(f"sys.exit({code})") == (code, "printed\n", "")


def test_an_error_that_nobody_caught_still_ends_with_its_traceback() -> None:
    code, out, err = ended("raise LookupError('nobody caught this')")
    assert (code, out) == (1, "printed\n")
    assert "LookupError: nobody caught this" in err
