"""Whether the sealed files of the embedded store are whole: each is compared with the manifest."""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from facility.errors import ArchiveAwayError, ArchiveError
from storage.columns import Columns, concat
from storage.data_dir import DataDir
from storage.embedded.archive import manifest
from storage.embedded.archive.choice import MARK, place_of
from storage.embedded.archive.files import read_minutes, read_pieces
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.place import DamagedFileError, MissingFileError, Place
from storage.embedded.archive.sealing import read_files
from storage.embedded.archive.swap import FileSwap
from storage.minutes import MinuteAggregates, minutes_of
from storage.telemetry_db import snapshot
from storage.upkeep import Finding, Progress, Verified

_BRING_BACK: Final = "bring it back from a backup (kado store restore, into another folder), and look at the disk"
_MAKE_ANEW: Final = "rebuild it from its samples: kado store verify --repair-rollup"
_KEEP_COPY: Final = "stop kado, keep a copy of the folder, and restore the newest backup"
_MOVE_AWAY: Final = "kado never reads it; move it away once you know what it is"


def verify_files(
    connection: sqlite3.Connection, data_dir: Path, *, deep: bool = False, progress: Progress = lambda _, __: None
) -> Verified:
    """Read every sealed file and compare it with the manifest; look for files that no manifest names.

    Each file has to be there with its size and checksums, be readable, and hold as many samples as the manifest
    says, from the first to the last stamp that it says, in order. With `deep` its minutes are computed again and
    compared. The service may seal meanwhile: a file that was replaced is not reported.

    Raises
    ------
    ArchiveAwayError
        If the place of the sealed files cannot be reached at all.
    FormatVersionError
        If a file is of a newer kado.
    """
    place = place_of(connection, data_dir)
    # What lies there is listed before the manifest is read: a file that came in between is named there.
    lying = [file.path for file in place.files()]
    with snapshot(connection):
        files = manifest.all_files(connection)
        left_over = manifest.leftovers(connection)
    total = sum(sum(file.sizes.values()) for file in files)
    findings: list[tuple[SealedFile | None, Finding]] = []
    done = 0
    for file in files:
        findings += [(file, finding) for finding in _of_file(place, file, deep=deep)]
        done += sum(file.sizes.values())
        progress(done, total)
    named = {path for file in files for path in file.paths} | set(left_over) | {MARK}
    named |= {place.draft(path) for path in left_over}
    findings += [
        (None, Finding(place.full_name(path), "the manifest does not know this file", _MOVE_AWAY))
        for path in sorted(set(lying) - named)
        if place.holds(path)
    ]
    findings += [(file, finding) for file, finding in _of_manifest(data_dir, files)]
    with snapshot(connection):
        there = {file.id for file in manifest.all_files(connection)}
    kept = tuple(finding for file, finding in findings if file is None or file.id in there)
    return Verified(kept, len(files), sum(file.samples for file in files), total)


def rebuild_minutes(swap: FileSwap, findings: Sequence[Finding]) -> int:
    """Seal files with wrong minutes again, with the same samples; return the number of files.

    Raises
    ------
    ArchiveError
        If samples cannot be read, or the disk does not take a file; those before it are right again.
    """
    swap.tidy()
    wanted = {finding.rollup_of for finding in findings if finding.rollup_of is not None}
    files = [file for file in manifest.all_files(swap.connection) if file.id in wanted]
    for file in files:
        swap.replace(file.series_id, file.name.signal, [file], read_files(swap.place, [file]))
    return len(files)


def _of_file(place: Place, file: SealedFile, *, deep: bool) -> Iterator[Finding]:
    name = place.full_name(file.name.path("samples"))
    columns: Columns | None = None
    try:
        columns = concat(read_pieces(place, file, np.arange(len(file.groups)), arrival=True))
    except ArchiveAwayError:
        raise
    except (MissingFileError, DamagedFileError) as error:
        yield Finding(name, _what(error), _BRING_BACK)
    else:
        if wrong := _contradiction(file, columns):
            yield Finding(name, wrong, _BRING_BACK)
    yield from _of_minutes(place, file, columns if deep else None)


def _contradiction(file: SealedFile, columns: Columns) -> str:
    """Return what a file that is whole says otherwise than the manifest."""
    groups, times = file.groups, columns.time_ns
    if len(columns) != file.samples or int(groups["samples"].sum()) != file.samples:
        return f"it holds {len(columns)} samples, and the manifest says {file.samples}"
    if (int(times[0]), int(times[-1])) != (file.first_ns, file.last_ns):
        return f"it reaches from {times[0]} to {times[-1]} ns, the manifest says {file.first_ns} to {file.last_ns} ns"
    if not bool(np.all(times[1:] > times[:-1])):
        return "its samples are not in order of time"
    starts = np.append(0, np.cumsum(groups["samples"]))
    same = np.array_equal(times[starts[:-1]], groups["first_ns"])
    if not same or not np.array_equal(times[starts[1:] - 1], groups["last_ns"]):
        return "a part of it does not begin and end where the manifest says"
    if file.first_ns < day_start(file.name.first_day) or day_of(file.last_ns) != file.name.last_day:
        return "it holds other days than its name says"
    return ""


def _of_minutes(place: Place, file: SealedFile, columns: Columns | None) -> Iterator[Finding]:
    """Check the minutes; against the samples if those are given."""
    name = place.full_name(file.name.path("minutes"))
    found: MinuteAggregates | None = None
    if file.minutes_size:
        try:
            found = read_minutes(place, file)
        except ArchiveAwayError:
            raise
        except (MissingFileError, DamagedFileError) as error:
            yield Finding(name, _what(error), _MAKE_ANEW, file.id)
            return
    if columns is None:
        return
    right = minutes_of(columns.time_ns, columns.value, columns.quality)
    if found is None:
        if len(right):
            yield Finding(name, "there are no minutes of samples that are numbers", _MAKE_ANEW, file.id)
    elif not found.same_as(right):
        yield Finding(name, "its minutes are not what its samples come to", _MAKE_ANEW, file.id)


def _of_manifest(data_dir: Path, files: list[SealedFile]) -> Iterator[tuple[SealedFile, Finding]]:
    """Find files of one signal that claim the same days; `files` are in order."""
    for before, after in pairwise(files):
        if before.series_id == after.series_id and after.name.first_day <= before.name.last_day:
            what = f"{before.name.path('samples')} and {after.name.path('samples')} hold the same days"
            yield after, Finding(str(DataDir(data_dir).telemetry), what, _KEEP_COPY)


def _what(error: ArchiveError) -> str:
    """Return what is wrong with a file, without its name and without advice."""
    if isinstance(error, DamagedFileError):
        return f"it is damaged: {error.what}"
    return "it is missing"
