"""The journal's content, as the service keeps it."""

from kado.config import Configuration
from kado.queries.record import load_record
from storage.data_dir import DataDir


class JournalWatch:
    """The journal's content, read again when its files change."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._looked_like: list[tuple[int, int] | None] = self._looks()
        self.record = load_record(configuration)

    def look(self) -> bool:
        """Read the journal again if it was written to, and say whether that was so."""
        looks = self._looks()
        if looks == self._looked_like:
            return False
        self._looked_like, self.record = looks, load_record(self._configuration)
        return True

    def _looks(self) -> list[tuple[int, int] | None]:
        journal = DataDir(self._configuration.data_dir).journal
        found: list[tuple[int, int] | None] = []
        for path in (journal, journal.with_name(journal.name + "-wal")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                found.append(None)
            else:
                found.append((stat.st_mtime_ns, stat.st_size))
        return found
