"""Files of samples that ``kado import`` reads back, Parquet or CSV, written table by table."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from collector.files.arrow import csv, pa, parquet
from facility.batch import NO_WORD, Batch
from facility.errors import DataError
from facility.quality import QUALITY_WORDS
from facility.sentence import Sentence
from storage.data_dir import sync

FileFormat = Literal["parquet", "csv"]

COLUMNS: Final = ("time", "signal", "value", "quality", "reason", "arrival")

_STAMP: Final = pa.timestamp("ns", "UTC")
_WORD: Final = pa.dictionary(pa.int32(), pa.string())
# Times as differences take a fifth of the space.
_DIFFERENCES: Final = ("time", "arrival")
_REPEATED: Final = ("signal", "value", "quality", "reason")


class SampleFile:
    """One file, made with its first rows and durable when it is closed.

    Parameters
    ----------
    path
        Where it is written; another name than the final one where it may be left incomplete.
    kind
        Of the file.
    columns
        Those of `COLUMNS` that it has.
    metadata
        Of a Parquet file.
    """

    def __init__(
        self,
        path: Path,
        kind: FileFormat,
        *,
        columns: Sequence[str] = COLUMNS,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self._columns = tuple(columns)
        self._is_text = kind == "csv"
        self._make: Callable[..., Any] = csv.CSVWriter if self._is_text else parquet.ParquetWriter
        self._metadata = metadata
        self._open: Any = None

    def write(self, batch: Batch, *, is_state: bool) -> None:
        """Write samples, all of them states or none; a file has one or the other."""
        if not len(batch):
            return
        table = _table(batch, is_state=is_state).select(self._columns)
        options: dict[str, Any] = {}
        if self._is_text:
            table = pa.table({name: _plain(table[name]) for name in table.column_names})
            _check_lines(table)
        else:
            table = table.replace_schema_metadata(self._metadata)
            options = {
                "compression": "zstd",
                "use_dictionary": [name for name in _REPEATED if name in self._columns],
                "column_encoding": {n: "DELTA_BINARY_PACKED" for n in _DIFFERENCES if n in self._columns},
            }
        if self._open is None:
            self._open = self._make(str(self.path), table.schema, **options)
        self._open.write_table(table)

    def close(self) -> None:
        """Finish the file and wait for the disk; without samples there is none."""
        if self._open is not None:
            self._open.close()
            sync(self.path)


def _table(batch: Batch, *, is_state: bool) -> Any:
    arrival = pa.array(batch.arrival_ns, mask=batch.arrival_ns == batch.time_ns)
    return pa.table(
        {
            "time": pa.array(batch.time_ns).cast(_STAMP),
            "signal": _words(batch.signals, batch.signal),
            "value": _words(batch.words, batch.state) if is_state else pa.array(batch.value, from_pandas=True),
            "quality": _words(QUALITY_WORDS, batch.quality.astype(np.int32)),
            "reason": _words(batch.words, batch.reason),
            "arrival": arrival.cast(_STAMP),
        }
    )


def _words(words: Sequence[str], codes: Any) -> Any:
    column = pa.array(codes, mask=codes == NO_WORD)
    return pa.DictionaryArray.from_arrays(column, pa.array(words, pa.string())).cast(_WORD)


def _plain(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _check_lines(table: Any) -> None:
    """Refuse words of several lines: a row of a CSV file is a line."""
    for name in {"value", "reason"}.intersection(table.column_names):
        column = table[name]
        if pa.types.is_string(column.type) and any("\n" in (word or "") for word in column.unique().to_pylist()):
            raise DataError(
                Sentence(
                    "column {name} holds a word with a line break, which a CSV file cannot: export as Parquet",
                    name=name,
                )
            )
