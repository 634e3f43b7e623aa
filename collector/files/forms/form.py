"""The form of a text file: what it was recognised as, and how its lines become CSV."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from collector.files.time_formats import ISO, TimeFormat

Lines = Iterator[bytes]
"""Lines of UTF-8 with their line ends; one comes out for each that goes in, so that numbers stay."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is read."""

    name: str = "CSV"
    """For people."""
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    time_format: TimeFormat = ISO
    header_lines: int = 1
    """Lines up to and including the header; 0 where `header` does not stand in the file."""
    header: tuple[str, ...] | None = None
    """Names of the columns where the file's own header is not CSV; None: they stand in its last header line."""
    translate: Callable[[Lines], Lines] | None = field(default=None, compare=False)
    """Puts other lines into CSV with the columns of `header`."""
    translate_stream: Callable[[BinaryIO], Lines] | None = field(default=None, compare=False)
    """The same for what has no lines."""
    series: str | None = None
    """Name of the first series, where each row of `header` names its own."""
    unit: str | None = None
    """What the file says its values are in."""
    row_word: str = "line"
    notes: tuple[str, ...] = ()
    """What was assumed, for people."""

    @property
    def is_plain(self) -> bool:
        """Whether the bytes of the file are the bytes that are parsed."""
        return self.encoding == "utf-8" and self.translate is None and self.translate_stream is None

    def describe(self) -> str:
        """Return the form for people: what it is, and what differs from kado's own."""
        parts = [self.name]
        if self.encoding != "utf-8":
            parts.append(self.encoding)
        if self.translate is None and self.translate_stream is None:
            if self.delimiter != ",":
                parts.append("tab-separated" if self.delimiter == "\t" else f"separated by {self.delimiter!r}")
            if self.decimal == ",":
                parts.append("decimal comma")
        if self.time_format != ISO:
            parts.append(f"times: {self.time_format.words}")
        return ", ".join(parts)


PLAIN = Form()
"""Comma-separated UTF-8 with a header."""
