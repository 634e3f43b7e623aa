"""How the process ends: at once where threads of libraries still run.

A call of a library that waits for a server (Tango, pvAccess, an archive) runs in a thread that the end of the program
does not wait for. When such a thread comes back from C++ while Python is being taken down, it is stopped inside a
destructor, and C++ ends the process with "terminate called without an active exception" instead of the exit code. So
where one is left, the process ends without taking Python down: by then files are closed, and what was printed is out.
"""

import atexit
import logging
import os
import sys
import threading
from contextlib import suppress


class Ending:
    """Ends the process with its exit code; make it before libraries are imported, so that it is the last to act."""

    def __init__(self) -> None:
        self._code = 1
        atexit.register(self._leave)

    def ends_with(self, end: SystemExit) -> None:
        """Take note of the exit code."""
        self._code = end.code if isinstance(end.code, int) else int(end.code is not None)

    def _leave(self) -> None:
        """Leave now if a thread is left that nobody waits for; others have ended by now."""
        if not any(thread is not threading.main_thread() for thread in threading.enumerate()):
            return
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # A reader that has gone away.
                stream.flush()
        os._exit(self._code)
