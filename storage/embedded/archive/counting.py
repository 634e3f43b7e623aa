"""Samples of sealed files, counted in the files themselves."""

from collections.abc import Sequence

from facility.errors import ArchiveAwayError
from storage.embedded.archive.files import count_rows
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.place import DamagedFileError, MissingFileError, Place
from storage.store import SeriesCount


def count_files(place: Place, files: Sequence[SealedFile]) -> tuple[list[SeriesCount], frozenset[int], list[str]]:
    """Count what the files of the manifest hold.

    The size of each file is compared, and its table of contents by its checksum; the samples themselves are read by
    ``kado store verify``.

    Returns
    -------
    list of SeriesCount
        By signal, of what is there.
    frozenset of int
        The numbers of the files that are missing or damaged.
    list of str
        What is wrong with them.

    Raises
    ------
    ArchiveAwayError
        If the whole place cannot be reached.
    """
    counts: dict[str, list[int]] = {}
    lost: set[int] = set()
    problems: list[str] = []
    for file in files:
        try:
            n = count_rows(place, file)
        except ArchiveAwayError:
            raise
        except (MissingFileError, DamagedFileError) as error:
            lost.add(file.id)
            problems.append(str(error))
            continue
        one = counts.setdefault(file.name.signal, [0, file.first_ns, file.last_ns])
        one[:] = one[0] + n, min(one[1], file.first_ns), max(one[2], file.last_ns)
    series = [SeriesCount(signal, n, first, last) for signal, (n, first, last) in sorted(counts.items())]
    return series, frozenset(lost), problems
