"""Progress bars that fall silent where there is no terminal."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from kado.output import terminal


class Bar:
    """One bar; `advance_to` moves it, forward or back."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total, note="")

    def advance_to(self, done: int, note: str = "", total: int | None = None) -> None:
        """Show how much is done, with a few words beside the bar."""
        self._progress.update(self._task, completed=done, note=note, total=total)

    def advance_through(self, done: int, total: int) -> None:
        """Show how much of all is done."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress_bar(what: str, total: int) -> Generator[Bar]:
    """Show a bar on stderr while the block runs, which leaves stdout to the data."""
    console = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        yield Bar(progress, what, total)
