"""What the EPICS Archiver Appliance sends: ``getData.csv`` and ``getData.json``.

References
----------
``SinglePVCSVResponse`` and ``JSONResponse`` in ``org.epics.archiverappliance.retrieval.mimeresponses``: CSV has no
header, its columns are seconds since 1970, value, severity, status, nanoseconds. JSON is a list of process variables,
each with ``meta`` (``name``, ``EGU``) and ``data``, a list of objects with ``secs``, ``val``, ``nanos``, ``severity``,
``status``.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from collector.files.forms.form import Lines
from facility.errors import DataError
from facility.sentence import Sentence

CSV_HEADER = ("time", "value", "quality", "reason")
JSON_HEADER = ("time", "signal", "value", "quality", "reason")
MAX_OBJECT_BYTES = 1 << 20
"""Largest sample, or description of a process variable, in JSON."""

_CSV_LINE = re.compile(rb"(\d{8,11}),([^,\r\n]*),(\d{1,3}),(\d{1,5}),(\d{1,9})\r?\n?")
_SEVERITIES = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")
_STATUSES = (
    "NO_ALARM", "READ", "WRITE", "HIHI", "HIGH", "LOLO", "LOW", "STATE", "COS", "COMM", "TIMEOUT", "HW_LIMIT", "CALC",
    "SCAN", "LINK", "SOFT", "BAD_SUB", "UDF", "DISABLE", "SIMM", "READ_ACCESS", "WRITE_ACCESS",
)  # fmt: skip
"""alarm.h of EPICS base, in the order of their numbers."""
_READ = 1 << 20
_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


def is_archiver_csv(lines: list[bytes]) -> bool:
    """Whether the first lines of a file are all such rows."""
    return bool(lines) and all(_CSV_LINE.fullmatch(line) for line in lines)


def archiver_csv(lines: Lines) -> Iterator[bytes]:
    """Put rows into the columns of `CSV_HEADER`; what is not such a row stays as it is, and is rejected."""
    for line in lines:
        match = _CSV_LINE.fullmatch(line)
        if match is None:
            yield line
            continue
        seconds, value, severity, status, nanos = match.groups()
        quality, reason = (b"", b"") if severity == b"0" else _alarm(int(severity), int(status))
        end = b"\n" if line.endswith(b"\n") else b""
        yield b"%s%09d,%s,%s,%s" % (seconds, int(nanos), value, quality, reason) + end


def _alarm(severity: int, status: int) -> tuple[bytes, bytes]:
    name = _SEVERITIES[severity] if severity < len(_SEVERITIES) else "INVALID"
    shown = name if severity < len(_SEVERITIES) else f"severity {severity}"
    what = _STATUSES[status] if status < len(_STATUSES) else f"status {status}"
    return name.encode(), f"{shown} {what}".encode()


def archiver_json(raw: BinaryIO) -> Iterator[bytes]:
    """Yield a line with the columns of `JSON_HEADER` for each sample.

    Raises
    ------
    DataError
        If it is not such JSON, with the sample behind which it is not.
    """
    text = _Text(raw)
    count = 0
    try:
        text.expect("[")
        while not text.skip("]"):
            name = ""
            text.expect("{")
            while not text.skip("}"):
                key = text.value()
                text.expect(":")
                if key != "data":
                    value = text.value()
                    if key == "meta" and isinstance(value, dict):
                        name = str(cast("dict[str, Any]", value).get("name", ""))
                else:
                    text.expect("[")
                    while not text.skip("]"):
                        count += 1
                        yield _sample(text.value(), name)
                        text.skip(",")
                text.skip(",")
            text.skip(",")
    except (ValueError, RecursionError) as error:
        raise DataError(
            Sentence("it is not JSON of an archiver after sample {count}: {error}", count=count, error=error)
        ) from error


def _sample(sample: Any, name: str) -> bytes:
    given = cast("dict[str, Any]", sample) if isinstance(sample, dict) else {}
    seconds, nanos, value = given.get("secs"), given.get("nanos", 0), given.get("val")
    if type(seconds) is not int or type(nanos) is not int or isinstance(value, (list, dict)):
        return _cell(json.dumps(sample)) + b"\n"  # One column instead of five: rejected, with its text.
    severity, status = given.get("severity", 0), given.get("status", 0)
    quality, reason = b"", b""
    if type(severity) is int and type(status) is int and severity:
        quality, reason = _alarm(abs(severity), abs(status))
    written = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    stamp = f"{seconds * 1_000_000_000 + nanos}".encode()
    return b",".join([stamp, _cell(name), _cell(written), quality, reason]) + b"\n"


def _cell(text: str) -> bytes:
    text = text.replace("\n", " ").replace("\r", " ")
    if '"' in text or "," in text:
        text = '"' + text.replace('"', '""') + '"'
    return text.encode(errors="replace")


class _Text:
    """JSON that is read value by value, so that no more of it is in memory than one of them."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")

    def skip(self, character: str) -> bool:
        """Go over blanks and `character`, if it comes next."""
        self._blanks()
        if self._text[self._at : self._at + 1] == character:
            self._at += 1
            return True
        if self._at >= len(self._text):
            raise ValueError("it ends there")
        return False

    def expect(self, character: str) -> None:
        """Go over `character`, which has to come next."""
        if not self.skip(character):
            raise ValueError(f"{character!r} is expected where {self._text[self._at : self._at + 20]!r} stands")

    def value(self) -> Any:
        """Return the value that comes next."""
        self._blanks()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                if self._ended or len(self._text) - self._at > MAX_OBJECT_BYTES:
                    raise
            else:
                if end < len(self._text) or self._ended:  # A number at the end of what was read may go on.
                    self._at = end
                    return value
            self._more()

    def _blanks(self) -> None:
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return
            self._more()

    def _more(self) -> None:
        piece = self._raw.read(_READ)
        self._ended = not piece
        self._text = self._text[self._at :] + self._decoder.decode(piece, final=self._ended)
        self._at = 0
