"""Has charts drawn: in this process, or in one beside it that gets ready while figures are still being read."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from facility.errors import MissingExtraError
from facility.sentence import Sentence
from kado.report.drawing_process import ChartName, DrawingProcess, DrawingProcessLostError, draw_here

LIBRARIES: Final = ("pandas", "altair", "vl_convert", "typst", "xlsxwriter", "jinja2", "babel")
"""What the extra ``report`` brings."""

Drawn = Callable[[], str]
"""Returns the SVG, and waits for it where it is still being drawn."""

_beside: ContextVar[DrawingProcess | None] = ContextVar("beside", default=None)


def require_libraries() -> None:
    """Say what is missing before anything is computed, without importing it: that takes a second.

    Raises
    ------
    MissingExtraError
        Naming the first library that is not installed.
    """
    for name in LIBRARIES:
        if find_spec(name) is None:
            raise MissingExtraError(
                Sentence("reports need {name}, which is not installed: pip install 'kado[report]'", name=name)
            )


@contextmanager
def drawing_beside() -> Generator[DrawingProcess | None]:
    """Draw the charts that are asked for in the meantime in a process of its own.

    It imports Altair and starts the engine of Vega while this process reads and computes. A process that has Altair
    already draws by itself.
    """
    if "altair" in sys.modules:
        yield None
        return
    process = DrawingProcess()
    before = _beside.set(process)
    try:
        yield process
    finally:
        _beside.reset(before)
        process.close()


def draw(name: ChartName, *of: Any) -> Drawn:
    """Have a chart drawn of what its function in `kado.report.charts` takes.

    In this process it is drawn when it is wanted: a form without charts does not wait for any.
    """
    here = cache(lambda: draw_here(name, of))
    process = _beside.get()
    if process is None:
        return here
    future = process.submit(name, of)

    def wait() -> str:
        try:
            return future.result()
        except DrawingProcessLostError:
            # The process was killed, as happens for lack of memory: the report is worth another try here.
            return here()

    return wait
