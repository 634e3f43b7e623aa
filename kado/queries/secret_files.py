"""Files with secrets that others than their owner can read."""

from contextlib import suppress
from pathlib import Path

from kado.config import Configuration
from kado.language import tr


def open_secret_files(configuration: Configuration) -> list[Path]:
    """Return the files of passwords and tokens that other users of this machine can read."""
    files = [path for source in configuration.sources for path in source.secret_files]
    files += configuration.store.secret_files
    mail = configuration.settings.report.mail
    if mail is not None and mail.password_file is not None:
        files.append(mail.password_file)
    found: list[Path] = []
    for path in dict.fromkeys(configuration.folder / file for file in files):
        with suppress(OSError):
            if path.stat().st_mode & 0o077:
                found.append(path)
    return found


def open_secret_words(path: Path) -> str:
    """Return for people that others can read a file, and what to do."""
    return tr("{path} can be read by others: run chmod 600 {path}", path=path)
