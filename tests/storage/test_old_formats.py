"""Files of every version that was ever in use are read by this one."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from facility.batch import Batch
from facility.errors import FormatVersionError
from facility.quality import Quality
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore
from storage.store import SeriesCount, Written
from storage.telemetry_db import VERSION, StoreKind, open_reader, open_writer

FORMATS = Path(__file__).parent / "formats"
T0 = 1_790_000_000_000_000_000


def frozen(folder: Path, version: int, kind: StoreKind) -> Path:
    shutil.copy(FORMATS / f"telemetry-version-{version}-{kind}.db", DataDir(folder).telemetry)
    return folder


@pytest.mark.parametrize("version", range(1, VERSION))
@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
def test_an_older_file_is_migrated_by_its_writer(tmp_path: Path, version: int, kind: StoreKind) -> None:
    frozen(tmp_path, version, kind)
    with pytest.raises(FormatVersionError, match=f"has format version {version}, this kado reads {VERSION}: start"):
        open_reader(tmp_path, "ring", kind)
    open_writer(tmp_path, "ring", kind, 0).close()
    with closing(open_reader(tmp_path, "ring", kind)) as reader:
        assert reader.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_samples_of_version_1_are_read_rewritten_and_sealed(tmp_path: Path) -> None:
    with closing(EmbeddedStore(frozen(tmp_path, 1, "embedded"), "ring", read_only=False)) as store:
        for _ in range(2):
            samples = store.read("stored_current", T0, T0 + 10**12)
            assert samples.value.tolist()[:2] == [201.0, 200.5]
            assert samples.quality.tolist() == [Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.GOOD]
            assert store.read("ring_link", T0, T0 + 1).state_words() == ["up"]
            assert store.series() == [
                SeriesCount("ring_link", 1, T0, T0),
                SeriesCount("stored_current", 4, T0, T0 + 3 * 10**9),
            ]
            store.seal(2 * T0)
        assert store.write(Batch.of_numbers("ring", "stored_current", [T0], [201.0])) == Written(1, 1, 0)
