"""Both kinds of place in which sealed files lie."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sealed_days import Archive
from storage.embedded.store import EmbeddedStore


@pytest.fixture(params=["folder", "objects"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    """A data directory of nothing, with its archive in the usual folder or in a bucket."""
    data_dir = tmp_path / "data"
    if request.param == "folder":
        return Archive(data_dir, None, data_dir / "archive")
    bucket = request.getfixturevalue("object_bucket")
    return Archive(data_dir, bucket.uri("ring"), bucket.folder / "ring")


@pytest.fixture
def sealing_store(archive: Archive) -> Iterator[EmbeddedStore]:
    """Open the store of `archive` for writing."""
    with closing(archive.open()) as opened:
        yield opened
