"""Where sealed files lie: the seam between what is sealed and the folder or object store that holds it."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from facility.errors import ArchiveAwayError, ArchiveError
from facility.sentence import Sentence
from storage.data_dir import open_private, sync
from storage.embedded.archive.layout import check_inside, temporary

MAX_SMALL_BYTES: Final = 1 << 20
"""Of a file that no manifest names: it has some hundred bytes, and the beginning of a larger one is garbage."""


class MissingFileError(ArchiveError):
    """A sealed file is not where the manifest says; it may have been replaced meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(
            Sentence(
                "{name} is missing, and kado's manifest names it: bring it back from a backup; other days can be read",
                name=name,
            )
        )
        self.name = name


class DamagedFileError(ArchiveError):
    """A sealed file is not what was sealed."""

    def __init__(self, name: str, what: object) -> None:
        super().__init__(
            Sentence(
                "{name} is damaged: {what}. Nothing was deleted, and other days can be read; bring the file back from "
                "a backup, and look at the storage",
                name=name,
                what=what,
            )
        )
        self.name = name
        self.what = what


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that lies in a place."""

    path: str
    """Below the root of the archive, as in `layout`."""
    size: int
    """In bytes."""


class Place(Protocol):
    """Holds sealed files, which never change; paths are those of `layout`, below the root of the archive.

    Contract: who writes holds the lock of the data directory. A new file is `put` under its `draft` name, and its
    bytes are durable when that returns; `publish` gives it its own name, `settle` makes the name durable. Where
    nothing can be renamed the draft is the file itself: only the manifest decides what counts. Reading needs no
    lock, and may be done in any thread. What writes raises `OSError`.
    """

    @property
    def root(self) -> str:
        """As people write it: a folder, or a URI without its options."""
        ...

    def full_name(self, path: str) -> str:
        """Return the name of a file for messages and for other programs."""
        ...

    def draft(self, path: str) -> str:
        """Return the path under which a file lies until it is published."""
        ...

    def refusal(self, what: str, error: OSError) -> ArchiveError:
        """Return the error of a place that did not take something; says what to do."""
        ...

    def put(self, path: str, content: Any) -> None:
        """Write a file as a whole, of bytes or a buffer; one that is there is written over."""
        ...

    def publish(self, paths: Sequence[str]) -> None:
        """Give drafts their own names."""
        ...

    def settle(self, paths: Sequence[str]) -> None:
        """Make the names of published files durable."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file and its draft; nothing happens if they do not exist."""
        ...

    def read(self, path: str, size: int, ranges: Sequence[tuple[int, int]]) -> list[Any]:
        """Return byte ranges (offset, length; in order, apart) of a file that has `size` bytes.

        Raises
        ------
        MissingFileError
            If it is not there.
        DamagedFileError
            If it has another size, or cannot be read.
        ArchiveAwayError
            If the whole place cannot be reached.
        """
        ...

    def find(self, path: str) -> bytes | None:
        """Return a small file that no manifest names, of a larger one the first bytes; None if it is not there.

        Raises
        ------
        ArchiveAwayError
            If the place cannot be reached.
        """
        ...

    def holds(self, path: str) -> bool:
        """Say whether a file is there.

        Raises
        ------
        ArchiveAwayError
            If the place cannot be reached.
        """
        ...

    def files(self) -> Iterator[FoundFile]:
        """Yield all that lies there, drafts too.

        Raises
        ------
        ArchiveAwayError
            If the place cannot be reached.
        """
        ...


class Folder:
    """A folder on a disk of this machine, or on storage that several share."""

    def __init__(self, root: Path, *, private: bool = False) -> None:
        """Take a folder; files in one that is `private` are for their owner alone."""
        self._root = root
        self._opener = open_private if private else None
        self._settled: set[Path] = set()

    @property
    def root(self) -> str:
        """The folder."""
        return str(self._root)

    def full_name(self, path: str) -> str:
        """Return the path of a file."""
        return str(self._root / path)

    def _at(self, path: str) -> Path:
        """Return where a file lies: below the root, also where a part of the way is a link."""
        target = self._root / check_inside(path)
        if not target.parent.resolve().is_relative_to(self._root.resolve()):
            raise DamagedFileError(
                self.full_name(path), Sentence("its folder is a link that leads out of {root}", root=self._root)
            )
        return target

    def draft(self, path: str) -> str:
        """Return a hidden name."""
        return temporary(path)

    def refusal(self, what: str, error: OSError) -> ArchiveError:
        """Return the error of a full or broken disk."""
        return ArchiveError(
            Sentence(
                "{root} cannot take {what} ({error}): free space or replace the disk, and seal "
                "again; nothing was deleted",
                root=self._root,
                what=what,
                error=error,
            )
        )

    def put(self, path: str, content: Any) -> None:
        """Write a file and wait for the disk."""
        target = self._at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb", opener=self._opener) as file:
            file.write(content)
        sync(target)

    def publish(self, paths: Sequence[str]) -> None:
        """Rename hidden files."""
        for path in paths:
            self._at(self.draft(path)).rename(self._at(path))

    def settle(self, paths: Sequence[str]) -> None:
        """Wait until the disk knows the names."""
        folders = {(self._root / path).parent for path in paths}
        # The way down to a folder may be new when it is met for the first time.
        new = folders - self._settled
        self._settled |= folders
        above = self._root.parent
        folders |= {parent for folder in new for parent in folder.parents if above in (parent, *parent.parents)}
        for folder in folders:
            sync(folder)

    def remove(self, path: str) -> None:
        """Remove a file and what is hidden beside it."""
        self._at(path).unlink(missing_ok=True)
        self._at(self.draft(path)).unlink(missing_ok=True)

    def read(self, path: str, size: int, ranges: Sequence[tuple[int, int]]) -> list[Any]:
        """Return byte ranges of a file."""
        with self._translated(path):
            fd = os.open(self._at(path), os.O_RDONLY)
            try:
                if (found := os.fstat(fd).st_size) != size:
                    raise DamagedFileError(
                        self.full_name(path),
                        Sentence("it has {found:,} bytes, and was sealed with {size:,}", found=found, size=size),
                    )
                return [os.pread(fd, length, offset) for offset, length in ranges]
            finally:
                os.close(fd)

    def find(self, path: str) -> bytes | None:
        """Return all of a small file, if it is there."""
        try:
            with self._at(path).open("rb") as file:
                return file.read(MAX_SMALL_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArchiveAwayError(
                Sentence(
                    "{full_name} cannot be read ({error}): check the storage",
                    full_name=self.full_name(path),
                    error=error,
                )
            ) from error

    def holds(self, path: str) -> bool:
        """Say whether a file is there."""
        return self._at(path).exists()

    def files(self) -> Iterator[FoundFile]:
        """Yield all files below the folder."""
        for folder, _, names in os.walk(self._root):
            for name in names:
                file = Path(folder, name)
                yield FoundFile(str(file.relative_to(self._root)), file.stat().st_size)

    @contextmanager
    def _translated(self, path: str) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if not self._root.is_dir():
                raise ArchiveAwayError(
                    Sentence(
                        "{full_name} cannot be read: the folder {root} is not there; mount it, or bring it "
                        "back. What is not sealed yet can be read",
                        full_name=self.full_name(path),
                        root=self._root,
                    )
                ) from error
            raise MissingFileError(self.full_name(path)) from error
        except OSError as error:
            raise DamagedFileError(self.full_name(path), error) from error
