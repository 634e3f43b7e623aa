"""Opens a file as what it is, and says what its values are in."""

import gzip
import re
import zlib
from dataclasses import replace
from pathlib import Path

from collector.files.csv_file import CsvFile
from collector.files.forms.form import Form
from collector.files.forms.recognise import HEAD_BYTES, recognise
from collector.files.layout import Layout
from collector.files.parquet_file import ParquetFile
from facility.errors import DataError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence

_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_GZIP = b"\x1f\x8b"
_UNIT_IN_NAME = re.compile(r".*[(\[]\s*([^)\]]+?)\s*[)\]]\s*")


def open_file(path: Path, layout: Layout) -> tuple[CsvFile | ParquetFile, Layout]:
    """Open a file as what its content shows it to be, checked against `layout`.

    Returns
    -------
    tuple
        The file, and the layout by which its rows are decoded.

    Raises
    ------
    UsageError
        If it cannot be read, or is of no form that kado reads.
    DataError
        If it is compressed and damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(_GZIP):
            with gzip.open(path) as file:
                head = file.read(HEAD_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(Sentence("{path} is damaged: {error}", path=path, error=error)) from error
    except OSError as error:
        raise UsageError(Sentence("{path} cannot be read: {reason}", path=path, reason=error.strerror)) from error
    if head.startswith(_PARQUET):
        return ParquetFile(path, layout), layout
    if head.startswith((_ZIP, _OLE)):
        raise UsageError(
            Sentence(
                "{path} is a ZIP archive or an Excel workbook: save its table as CSV (UTF-8) and import that", path=path
            )
        )
    if not head:
        raise UsageError(Sentence("{path} is empty", path=path))
    form = recognise(path, head, layout, whole=len(head) < HEAD_BYTES)
    decoded = _read_as(layout, form)
    return CsvFile(path, decoded, form), decoded


def _read_as(layout: Layout, form: Form) -> Layout:
    """Return the layout of the CSV that lines of another form become.

    Where its rows name their series, ``--signal`` says which signal the first series is; others are rejected.
    """
    if form.header is None:
        return layout
    layout = replace(layout, time_column=None, value_column=None)
    if layout.signal is None or form.series is None:
        return layout
    return replace(layout, signal=None, names=((form.series, layout.signal),))


def unit_notes(file: CsvFile | ParquetFile, layout: Layout, profile: Profile) -> tuple[str, ...]:
    """Return the notes on the unit of the values of one signal.

    Raises
    ------
    UsageError
        If the name of their column states another unit than the signal's.
    """
    if layout.signal is None or layout.unit is not None:
        return ()
    unit = profile.signal(layout.signal).unit
    if not unit:
        return ()
    in_name = _UNIT_IN_NAME.fullmatch(file.value_name)
    stated = file.form.unit or (None if in_name is None else in_name[1])
    if stated is not None and stated != unit:
        raise UsageError(
            Sentence(
                "{file}: the column {value_name!r} is in {stated!r}, but signal {signal} is in "
                "{unit!r}: kado converts nothing; convert the file, or say --unit {unit} if the name "
                "is wrong",
                file=file.path,
                value_name=file.value_name,
                stated=stated,
                signal=layout.signal,
                unit=unit,
            )
        )
    if stated is not None or file.value_name.endswith(f"_{unit}") or file.unit_in_cells(unit):
        return ()
    return (f"the values state no unit: taken as {unit}, the unit of {layout.signal} (--unit {unit} says so)",)
