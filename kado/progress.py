"""Progress bars that fall silent where there is no terminal."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from kado.output import terminal


class Bar:
    """One bar, shown from the first step on; `advance_to` moves it, forward or back.

    What fails before its work begins, such as a wrong period, leaves no bar above the message.
    """

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress = progress
        self._what = what
        self._total = total
        self._task: TaskID | None = None

    def advance_to(self, done: int, note: str = "", total: int | None = None) -> None:
        """Show how much is done, with a few words beside the bar."""
        self._progress.update(self._shown(), completed=done, note=note, total=total)

    def advance_through(self, done: int, total: int) -> None:
        """Show how much of all is done."""
        self._progress.update(self._shown(), completed=done, total=total)

    def close(self) -> None:
        """Leave the bar, if there is one, as it is."""
        if self._task is not None:
            self._progress.stop()

    def _shown(self) -> TaskID:
        if self._task is None:
            self._task = self._progress.add_task(self._what, total=self._total, note="")
            self._progress.start()
        return self._task


@contextmanager
def progress_bar(what: str, total: int) -> Generator[Bar]:
    """Show a bar on stderr while the block runs, which leaves stdout to the data."""
    console = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
    bar = Bar(progress, what, total)
    try:
        yield bar
    finally:
        bar.close()
