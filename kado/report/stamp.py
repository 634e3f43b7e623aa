"""The stamp in every report file: how the file was made, so that it can be made again and compared."""

import base64
import io
import json
import re
import struct
import zipfile
import zlib
from dataclasses import asdict, dataclass
from typing import Final

from facility.errors import ReportError
from facility.sentence import Sentence

_MARK: Final = "kado-report:"
_PATTERN: Final = re.compile(rb"kado-report:([A-Za-z0-9_\-]+)")
_DAMAGED_ARCHIVE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, KeyError, ValueError, EOFError, OSError, RuntimeError
)  # fmt: skip
"""What reading a workbook raises where bytes of it were changed."""
MAX_BYTES: Final = 64 * 1024**2
"""A report is a few hundred kB; what is larger is not read."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a report file was made from."""

    facility: str
    period: str
    definition: str
    as_known_on: str
    language: str
    form: str
    """pdf, html, xlsx, csv or json."""
    edition: int
    """0 for a draft."""
    kado: str
    """Version."""
    figures: str
    """SHA-256 of all figures."""
    profile: str
    schedule: str
    journal: str
    data: str
    ledger: str
    """The totals of each source when the file was made, as JSON: the ledger has no past, so they stand here."""

    def text(self) -> str:
        """Return the stamp as it stands in a file."""
        document = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return _MARK + base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def read_stamp(name: str, content: bytes) -> Stamp:
    """Return the stamp of a report file.

    Raises
    ------
    ReportError
        If it has none, or one that cannot be read.
    """
    if content[:4] == b"PK\x03\x04":
        content = _properties(name, content)
    match = _PATTERN.search(content)
    if match is None:
        raise ReportError(
            Sentence("{name} bears no stamp of kado: only files that 'kado report' made can be verified", name=name)
        )
    encoded = match[1]
    try:
        document = json.loads(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
        stamp = Stamp(**document)
    except (ValueError, TypeError, RecursionError) as error:
        raise ReportError(
            Sentence("the stamp of {name} cannot be read ({error}): the file was changed", name=name, error=error)
        ) from error
    if not all(isinstance(v, int if k == "edition" else str) for k, v in asdict(stamp).items()):
        raise ReportError(
            Sentence(
                "the stamp of {name} cannot be read: a value is of the wrong type; the file was changed", name=name
            )
        )
    return stamp


def _properties(name: str, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            info = book.getinfo("docProps/core.xml")
            if info.file_size > 1024**2:
                raise ReportError(
                    Sentence(
                        "{name}: docProps/core.xml is {file_size} bytes, more than a report's",
                        name=name,
                        file_size=info.file_size,
                    )
                )
            return book.read(info)
    except _DAMAGED_ARCHIVE as error:
        raise ReportError(Sentence("{name} is no workbook that kado made ({error})", name=name, error=error)) from error
