"""Has charts drawn: in this process, or in one beside it that gets ready while figures are still being read."""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal

from facility.errors import MissingExtraError

LIBRARIES: Final = ("pandas", "altair", "vl_convert", "typst", "xlsxwriter", "jinja2", "babel")
"""What the extra ``report`` brings."""
_CHARTS: Final = "kado.report.charts"

ChartName = Literal["signal_chart", "calendar_chart", "bars_chart", "months_chart"]
"""A function of `kado.report.charts`."""
Drawn = Callable[[], str]
"""Returns the SVG, and waits for it where it is still being drawn."""

_beside: ContextVar[ProcessPoolExecutor | None] = ContextVar("beside", default=None)


def require_libraries() -> None:
    """Say what is missing before anything is computed, without importing it: that takes a second.

    Raises
    ------
    MissingExtraError
        Naming the first library that is not installed.
    """
    for name in LIBRARIES:
        if find_spec(name) is None:
            raise MissingExtraError(f"reports need {name}, which is not installed: pip install 'kado[report]'")


@contextmanager
def drawing_beside() -> Generator[None]:
    """Draw the charts that are asked for in the meantime in a process of its own.

    It imports Altair and starts the engine of Vega while this process reads and computes. A process that has Altair
    already draws by itself.
    """
    if "altair" in sys.modules:
        yield
        return
    # A fork would inherit threads and open databases.
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_at_interrupt)
    pool.submit(_get_ready)
    before = _beside.set(pool)
    try:
        yield
    finally:
        _beside.reset(before)
        # Python's own end must not meet a pool that is just closing: it would write to a closed pipe.
        pool.shutdown(cancel_futures=True)


def draw(name: ChartName, *of: Any) -> Drawn:
    """Have a chart drawn of what its function in `kado.report.charts` takes.

    In this process it is drawn when it is wanted: a form without charts does not wait for any.
    """
    here = cache(lambda: _draw(name, of))
    pool = _beside.get()
    if pool is None:
        return here
    try:
        future = pool.submit(_draw, name, of)
    except BrokenProcessPool:
        return here

    def wait() -> str:
        try:
            return future.result()
        except BrokenProcessPool:
            # The process was killed, as happens for lack of memory: the report is worth another try here.
            return here()

    return wait


def _draw(name: ChartName, of: tuple[Any, ...]) -> str:
    svg: str = getattr(import_module(_CHARTS), name)(*of)
    return svg


def _get_ready() -> None:
    """Import Altair, and draw a chart that nobody sees: the first one starts the engine of Vega and reads the fonts."""
    _draw("bars_chart", ([("", 1.0)], ""))


def _end_at_interrupt() -> None:
    """Let Ctrl-C end the process at once and without a traceback: the command that started it says enough."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
