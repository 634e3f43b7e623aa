"""Opens the journal."""

from kado.config import Configuration
from storage.data_dir import DataDir
from storage.journal.journal import Journal


def open_journal(configuration: Configuration) -> Journal:
    """Open the journal, making it if there is none; use it as a context manager."""
    return Journal.open(DataDir(configuration.data_dir).journal, facility=configuration.profile.id)
