"""The first rows of a file as an import would understand them; nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.files.csv_file import PREVIEW_BYTES, CsvFile
from collector.files.decode import CAUSES, FINE
from collector.files.layout import Layout
from collector.files.opening import open_file, unit_notes
from collector.files.rejections import rejection_text
from collector.files.rows import Decoder
from collector.files.times import ClocksGoBackError
from facility.errors import UsageError
from facility.profile import Profile
from facility.quality import Quality
from facility.sentence import Sentence


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row; what it would be stored as, or why it would not."""

    number: int
    time_ns: int | None
    signal: str | None
    value: str
    quality: Quality | None
    rejected: str | None
    """Why it would be rejected, with the text at fault."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file was recognised as, and its first rows."""

    file: str
    form: str
    row_word: str
    columns: dict[str, str]
    """Name of the column in the file, by what it is read as."""
    notes: tuple[str, ...]
    """What was assumed."""
    rows: tuple[PreviewRow, ...]


def preview(path: Path, layout: Layout, profile: Profile, sources: Sequence[str] = (), count: int = 10) -> Preview:
    """Read the first rows of a file.

    Raises
    ------
    UsageError, DataError
        As an import of it would.
    """
    layout.check(profile)
    file, decoded = open_file(path, layout)
    notes = (*file.form.notes, *unit_notes(file, layout, profile))
    if isinstance(file, CsvFile):
        file.block_bytes = PREVIEW_BYTES
    decoder = Decoder(profile, decoded, sources, file.form)
    found: list[PreviewRow] = []
    for rows in file.blocks(0, 0):
        try:
            batch, causes = decoder.decode(rows, 0)
        except ClocksGoBackError as error:
            raise UsageError(
                Sentence(
                    "{path}, {row_word} {number}: {error}",
                    path=path,
                    row_word=file.row_word,
                    number=rows.number[error.row],
                    error=error,
                )
            ) from error
        stored = 0
        for row in range(len(rows)):
            number = int(rows.number[row])
            if causes[row] != FINE:
                text = rejection_text(rows, row, CAUSES[int(causes[row])])
                found.append(PreviewRow(number, None, None, "", None, text))
                continue
            code = int(batch.state[stored])
            value = batch.words[code] if code >= 0 else repr(float(batch.value[stored]))
            signal = batch.signals[int(batch.signal[stored])]
            quality = Quality(int(batch.quality[stored]))
            found.append(PreviewRow(number, int(batch.time_ns[stored]), signal, value, quality, None))
            stored += 1
        found += [PreviewRow(bad.number, None, None, "", None, bad.detail) for bad in rows.bad]
        if len(found) >= count:
            break
    found.sort(key=lambda row: row.number)
    columns = {role: file.names[place] for role, place in file.columns.items()}
    return Preview(str(path), file.form.describe(), file.row_word, columns, notes, tuple(found[:count]))
