"""The schedule as CSV: ``start,end,category,published_at[,tags,run,note]``."""

import csv
import io
from collections.abc import Sequence

from facility.errors import ScheduleError, TimeError
from facility.schedule import Block, Category, ScheduleVersion
from facility.sentence import Sentence
from facility.time import format_time, parse_time

REQUIRED_COLUMNS = ("start", "end", "category", "published_at")
OPTIONAL_COLUMNS = ("tags", "run", "note")


MAX_BYTES = 16 << 20
"""Largest file that is read."""


def decode_schedule(data: bytes, name: str) -> str:
    """Return the text of a schedule file, which is UTF-8; `name` is what to call it in messages.

    Raises
    ------
    ScheduleError
        If it is too large, or in another encoding, with the line.
    """
    if len(data) > MAX_BYTES:
        raise ScheduleError(
            Sentence(
                "{name} has {count:,} bytes, more than the {max_bytes:,} that are read: split it",
                name=name,
                count=len(data),
                max_bytes=MAX_BYTES,
            )
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScheduleError(
            Sentence(
                "{name}:{line}: byte {data:#04x} is not UTF-8: in Excel save it as 'CSV UTF-8', or "
                "convert it with iconv (a Japanese Excel writes cp932: iconv -f CP932 -t UTF-8)",
                name=name,
                line=line,
                data=data[error.start],
            )
        ) from error


def read_schedule(text: str, name: str) -> tuple[ScheduleVersion, ...]:
    """Read schedule rows; rows with the same ``published_at`` are one version.

    Parameters
    ----------
    text
        The CSV, header first. Tags are separated by blanks.
    name
        What to call it in messages, usually the file.

    Returns
    -------
    tuple of ScheduleVersion
        In order of publication.

    Raises
    ------
    ScheduleError
        With every row that cannot be read, or the two blocks that overlap.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=None))
    header = [h.strip() for h in reader.fieldnames or ()]
    missing = [c for c in REQUIRED_COLUMNS if c not in header]
    unknown = [c for c in header if c not in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)]
    if missing or unknown:
        raise ScheduleError(
            Sentence(
                "{name}: the header {header!r} {problem}; it must be {required} and may have {optional}",
                name=name,
                header=",".join(header),
                problem=Sentence("lacks {columns}", columns=", ".join(missing))
                if missing
                else Sentence("has the unknown column {columns}", columns=", ".join(unknown)),
                required=",".join(REQUIRED_COLUMNS),
                optional=",".join(OPTIONAL_COLUMNS),
            )
        )
    reader.fieldnames = header
    by_publication: dict[int, list[Block]] = {}
    problems: list[Sentence] = []
    for row in reader:
        try:
            # Beyond the header's columns: for example a comma in a note without quotes.
            if reader.restkey in row:
                raise ScheduleError(
                    Sentence(
                        "more columns than the header has ({count}): put '\"' around texts with ','", count=len(header)
                    )
                )
            published, block = _read_row({k: (v or "").strip() for k, v in row.items()})
        except (ScheduleError, TimeError) as error:
            problems.append(Sentence("{name}:{line}: {error}", name=name, line=reader.line_num, error=error))
        else:
            by_publication.setdefault(published, []).append(block)
    if problems:
        raise ScheduleError(Sentence.joined(problems))
    if not by_publication:
        raise ScheduleError(Sentence("{name}: no rows below the header", name=name))
    try:
        return tuple(ScheduleVersion.of(published, blocks) for published, blocks in sorted(by_publication.items()))
    except ScheduleError as error:
        raise ScheduleError(Sentence("{name}: {error}", name=name, error=error)) from error


def write_schedule(versions: Sequence[ScheduleVersion]) -> str:
    """Write versions as the CSV that `read_schedule` reads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS])
    for version in versions:
        published = format_time(version.published_at_ns)
        for b in version.blocks:
            times = [format_time(b.start_ns), format_time(b.end_ns)]
            writer.writerow([*times, b.category.value, published, " ".join(b.tags), b.run or "", b.note])
    return out.getvalue()


def _read_row(row: dict[str, str]) -> tuple[int, Block]:
    word = row["category"]
    if word not in [c.value for c in Category]:
        raise ScheduleError(
            Sentence(
                "category {word!r} is not one of {category}", word=word, category=", ".join(c.value for c in Category)
            )
        )
    block = Block(
        start_ns=parse_time(row["start"]),
        end_ns=parse_time(row["end"]),
        category=Category(word),
        tags=tuple(row.get("tags", "").split()),
        run=row.get("run") or None,
        note=row.get("note", ""),
    )
    if block.end_ns <= block.start_ns:
        raise ScheduleError(Sentence("block {block} does not end after its start", block=block.describe()))
    block.check_texts()
    return parse_time(row["published_at"]), block
