"""What the Data Browser of Phoebus and CS-Studio exports: comments, then lines separated by tabs.

References
----------
``ExportJob``, ``PlainExportJob`` (each channel after the other), ``SpreadsheetExportJob`` (one column a channel) and
``ValueWithInfoFormatter`` (severity and status beside the value) in ``org.csstudio.trends.databrowser3.export``. Times
are those of the computer that exported, without an offset; ``#N/A`` stands where there is no value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.files.forms.form import Lines
from facility.errors import UsageError
from facility.sentence import Sentence

HEADER = ("time", "signal", "value", "quality", "reason")
_MARK = b"Created by CS-Studio Data Browser"
_NO_VALUE = b"#N/A"
_CHANNEL = b"# Channel:"
_TIME = b"# Time\t"


def is_data_browser(head: bytes) -> bool:
    """Whether a file begins as such an export does."""
    return head.startswith(b"# ") and _MARK in head[:200]


@dataclass(frozen=True, slots=True)
class _Column:
    name: bytes
    value: int
    severity: int | None
    status: int | None


def channels(lines: Sequence[bytes]) -> list[str]:
    """Return the channels that the first lines of a file name."""
    return [line.partition(b":")[2].strip().decode(errors="replace") for line in lines if line.startswith(_CHANNEL)]


def data_browser(wanted: str | None) -> "_Translator":
    """Return what puts such lines into the columns of `HEADER`.

    Parameters
    ----------
    wanted
        In a table of several channels: which one.
    """
    return _Translator(wanted)


class _Translator:
    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted

    def __call__(self, lines: Lines) -> Iterator[bytes]:
        channel, column = b"", _Column(b"", 1, None, None)
        for line in lines:
            if line.startswith(_CHANNEL):
                channel = line.partition(b":")[2].strip()
            elif line.startswith(_TIME):
                column = self._column(line.rstrip(b"\r\n"), channel)
            if line.startswith(b"#") or not line.strip():
                yield b"\n"
                continue
            yield _row(line, column)

    def _column(self, header: bytes, channel: bytes) -> _Column:
        cells = header.split(b"\t")
        found: list[_Column] = []
        for place, cell in enumerate(cells):
            if cell == b"Value" or cell.endswith(b" Value"):
                further = [c.strip() for c in cells[place + 1 : place + 3]]
                severity = place + 1 if further[:1] == [b"Severity"] else None
                status = place + 2 if further[1:2] == [b"Status"] and severity else None
                found.append(_Column(cell.removesuffix(b"Value").strip() or channel, place, severity, status))
        if len(found) == 1:
            return found[0]
        names = [column.name.decode(errors="replace") for column in found]
        if self._wanted in names:
            return found[names.index(self._wanted)]
        raise UsageError(
            Sentence(
                "the export is a table of {count} channels ({names}): name one with --value-column",
                count=len(names),
                names=", ".join(names),
            )
        )


def _row(line: bytes, column: _Column) -> bytes:
    cells = line.rstrip(b"\r\n").split(b"\t")
    end = b"\n" if line.endswith(b"\n") else b""
    if column.value >= len(cells):
        return _quoted(line.rstrip(b"\r\n")) + end  # One column instead of five: rejected, with its text.
    value = cells[column.value].strip()
    severity = cells[column.severity].strip() if column.severity and column.severity < len(cells) else b""
    status = cells[column.status].strip() if column.status and column.status < len(cells) else b""
    if value == _NO_VALUE:
        value = b""
    severity = b"" if severity == _NO_VALUE else severity
    reason = b" ".join(p for p in (severity, status) if p != _NO_VALUE) if severity not in (b"", b"NONE") else b""
    return b",".join(_quoted(cell) for cell in (cells[0], column.name, value, severity, reason)) + end


def _quoted(cell: bytes) -> bytes:
    return b'"' + cell.replace(b'"', b'""') + b'"' if b"," in cell or b'"' in cell else cell
