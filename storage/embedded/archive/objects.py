"""Sealed files as objects of an S3-compatible store, or of another that pyarrow knows."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from facility.errors import ArchiveAwayError, ArchiveError, ConfigError
from facility.sentence import Sentence
from storage.embedded.archive.arrow import pa
from storage.embedded.archive.layout import check_inside
from storage.embedded.archive.place import MAX_SMALL_BYTES, DamagedFileError, FoundFile, MissingFileError

filesystems: Any = import_module("pyarrow.fs")

_WORTH_A_REQUEST: Final = 256 * 1024
"""Bytes between two ranges that are rather read too than asked for around."""
_CONNECT_S: Final = 3.0
_ANSWER_S: Final = 5.0
"""A store that sends nothing for so long is asked once more, twice at most."""
_OPTIONS: Final = ("endpoint_override", "region", "scheme", "tls_ca_file_path")
_GETTING: Final = "during GetObject"
_MISMATCH: Final = "checksums mismatch"
"""Part of the S3 client's message when an object does not match the checksum that the store keeps."""
_REST_S: Final = 30.0
"""So long nothing is asked of a store that did not answer: what comes in must not wait for it again and again."""


class Objects:
    """Objects below a prefix of a bucket.

    Contract: as `Place`; an object is whole when it is there, so it is put under its own name, and counts
    when the manifest names it. Credentials come from the environment or from files, as the store's own tools
    read them.
    """

    def __init__(self, uri: str) -> None:
        """Open a place; nothing is asked of the store yet.

        Raises
        ------
        ConfigError
            If it is not a URI, or holds a secret.
        """
        parts = urlsplit(uri)
        if parts.username or parts.password:
            raise ConfigError(
                Sentence(
                    "store.archive holds credentials for {hostname}: name them in the environment "
                    "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or in a file "
                    "(AWS_SHARED_CREDENTIALS_FILE) instead",
                    hostname=parts.hostname,
                )
            )
        try:
            self._filesystem, base = _s3(parts) if parts.scheme == "s3" else filesystems.FileSystem.from_uri(uri)
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            raise ConfigError(
                Sentence("store.archive: {uri} cannot be opened: {error}", uri=uri, error=error)
            ) from error
        self._root = uri.partition("?")[0].rstrip("/")
        self._base = base.rstrip("/")
        self._rests_until = 0.0
        self._last_error = ""

    @property
    def root(self) -> str:
        """The URI, without its options."""
        return self._root

    def full_name(self, path: str) -> str:
        """Return the URI of an object, or of all."""
        return f"{self._root}/{path}" if path else self._root

    def draft(self, path: str) -> str:
        """Return the same path: nothing can be renamed."""
        return path

    def refusal(self, what: str, error: OSError) -> ArchiveError:
        """Return the error of a store that did not take something."""
        return ArchiveAwayError(
            Sentence(
                "{root} cannot take {what} ({error}): see that the store answers, and that the "
                "credentials may write there, and seal again; nothing was deleted",
                root=self._root,
                what=what,
                error=error,
            )
        )

    def _name(self, path: str) -> str:
        return f"{self._base}/{check_inside(path)}"

    def put(self, path: str, content: Any) -> None:
        """Put an object; it is there as a whole or not at all."""
        with self._filesystem.open_output_stream(self._name(path)) as sink:
            sink.write(content)

    def publish(self, paths: Sequence[str]) -> None:
        """Do nothing: an object has its name from the start."""

    def settle(self, paths: Sequence[str]) -> None:
        """Do nothing: what was put is durable."""

    def remove(self, path: str) -> None:
        """Remove an object."""
        with suppress(FileNotFoundError):
            self._filesystem.delete_file(self._name(path))

    def read(self, path: str, size: int, ranges: Sequence[tuple[int, int]]) -> list[Any]:
        """Return byte ranges, those that lie close together with one request."""
        with self._translated(path):
            try:
                return self._read(path, size, ranges)
            except OSError as error:
                if _GETTING not in str(error) or _MISMATCH in str(error):
                    raise
            # It may have been replaced since it was looked up; then it is not found now.
            return self._read(path, size, ranges)

    def _read(self, path: str, size: int, ranges: Sequence[tuple[int, int]]) -> list[Any]:
        with self._filesystem.open_input_file(self._name(path)) as source:
            if (found := source.size()) != size:
                raise DamagedFileError(
                    self.full_name(path),
                    Sentence("it has {found:,} bytes, and was sealed with {size:,}", found=found, size=size),
                )
            parts: list[Any] = []
            for run in _runs(ranges):
                start = run[0][0]
                content = memoryview(source.read_at(sum(run[-1]) - start, start))
                parts += [content[offset - start : offset - start + length] for offset, length in run]
            return parts

    def find(self, path: str) -> bytes | None:
        """Return all of a small object, if it is there."""
        try:
            with self._translated(path), self._filesystem.open_input_file(self._name(path)) as source:
                return bytes(source.read(MAX_SMALL_BYTES))
        except MissingFileError:
            return None

    def holds(self, path: str) -> bool:
        """Say whether an object is there."""
        with self._translated(path):
            return self._filesystem.get_file_info(self._name(path)).type == filesystems.FileType.File

    def files(self) -> Iterator[FoundFile]:
        """Yield all objects below the prefix."""
        selector = filesystems.FileSelector(self._base, recursive=True, allow_not_found=True)
        with self._translated(""):
            found = self._filesystem.get_file_info(selector)
        for info in found:
            if info.type == filesystems.FileType.File:
                yield FoundFile(info.path.removeprefix(f"{self._base}/"), info.size)

    @contextmanager
    def _translated(self, path: str) -> Generator[None]:
        if time.monotonic() < self._rests_until:
            raise self._away(path, self._last_error)
        try:
            yield
        except FileNotFoundError as error:
            with self._translated(path):
                bucket = self._base.partition("/")[0]
                there = self._filesystem.get_file_info(bucket).type != filesystems.FileType.NotFound
            if not there:
                raise self._away(path, f"there is no bucket {bucket}, or not for these keys") from error
            raise MissingFileError(self.full_name(path)) from error
        except OSError as error:
            if _MISMATCH in str(error):
                raise DamagedFileError(self.full_name(path), Sentence("it is not what the store was given")) from error
            self._last_error = str(error)
            self._rests_until = time.monotonic() + _REST_S
            raise self._away(path, self._last_error) from error

    def _away(self, path: str, why: str) -> ArchiveError:
        return ArchiveAwayError(
            Sentence(
                "{full_name} cannot be read ({why}): see that the store answers, that its address "
                "and region (store.archive) are right, and that the credentials may read it. What is "
                "not sealed yet can be read",
                full_name=self.full_name(path),
                why=why,
            )
        )


def _s3(parts: SplitResult) -> tuple[Any, str]:
    """Open a bucket; what the URI does not say is found by the store's own rules (``AWS_REGION`` and the like)."""
    options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise ValueError(f"it has the options {', '.join(unknown)}, and may have {', '.join(_OPTIONS)}")
    filesystem = filesystems.S3FileSystem(
        **options,
        connect_timeout=_CONNECT_S,
        request_timeout=_ANSWER_S,
        retry_strategy=filesystems.AwsStandardS3RetryStrategy(max_attempts=3),
    )
    return filesystem, f"{parts.netloc}/{parts.path.strip('/')}"


def _runs(ranges: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Gather ranges that are so close together that what lies between is not worth a request."""
    runs: list[list[tuple[int, int]]] = []
    for part in ranges:
        if runs and part[0] - sum(runs[-1][-1]) < _WORTH_A_REQUEST:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs
