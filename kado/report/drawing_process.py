"""A process that draws charts, and how it is talked to: requests and answers over its standard input and output.

Made for one purpose, it starts in a third of the time that a pool of `multiprocessing` takes. A fork would inherit
threads and open databases.
"""

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, Literal

_CHARTS: Final = "kado.report.charts"
ChartName = Literal["signal_chart", "calendar_chart", "bars_chart", "months_chart"]
"""A function of `kado.report.charts`."""


class DrawingProcessLostError(Exception):
    """The process ended before it answered."""


class DrawingProcess:
    """A process beside this one that draws one chart after the other, in the order asked for.

    Contract: `submit` from any thread until `close`, which ends the process whatever it does. It ends by itself when
    this process does.
    """

    def __init__(self) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        # Requests wait in the thread: a pipe takes 64 kB, and the process reads nothing until it is ready.
        self._thread = ThreadPoolExecutor(1, "drawing")
        self._asked: list[tuple[ChartName, tuple[Any, ...], Future[str]]] = []

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def submit(self, name: ChartName, of: tuple[Any, ...]) -> "Future[str]":
        """Ask for a chart; one that was asked for before is drawn once.

        The future raises `DrawingProcessLostError`, or what drawing it raised.
        """
        for earlier, what, future in self._asked:
            if (earlier, what) == (name, of):
                return future
        future = self._thread.submit(self._draw, name, of)
        self._asked.append((name, of, future))
        return future

    def close(self) -> None:
        """End the process, and wait until it has."""
        self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _draw(self, name: ChartName, of: tuple[Any, ...]) -> str:
        asks, answers = self._process.stdin, self._process.stdout
        assert asks is not None
        assert answers is not None
        try:
            pickle.dump((name, of), asks)
            asks.flush()
            svg, error = pickle.load(answers)
        except (OSError, EOFError, pickle.UnpicklingError) as lost:
            raise DrawingProcessLostError from lost
        if error is not None:
            raise error
        return svg


def draw_here(name: ChartName, of: tuple[Any, ...]) -> str:
    """Draw a chart in this process."""
    svg: str = getattr(import_module(_CHARTS), name)(*of)
    return svg


def serve() -> None:
    """Draw what is asked for on standard input until it ends."""
    # Ctrl-C ends the process at once and without a traceback: the command that started it says enough.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asks = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What a library prints must not stand between the answers.
    # The first chart, which nobody sees, starts the engine of Vega and reads the fonts.
    draw_here("bars_chart", ([("", 1.0)], ""))
    while True:
        try:
            name, of = pickle.load(asks)
        except EOFError:
            return
        try:
            answer = (draw_here(name, of), None)
        except Exception as error:
            answer = ("", error)
        pickle.dump(answer, answers)
        answers.flush()
