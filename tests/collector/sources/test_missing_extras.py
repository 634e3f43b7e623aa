"""Libraries of control systems are optional: without one its kind of source says which extra installs it."""

import sys
from typing import Any

import pytest

from collector.sources.archiver.spec import ArchiverSource
from collector.sources.epics_ca.spec import EpicsCaSource
from collector.sources.epics_pva.spec import EpicsPvaSource
from collector.sources.tango.spec import TangoSource
from facility.errors import MissingExtraError
from facility.profile import load_profile
from facility.time import system_clock

PROFILE = load_profile("nanoterasu_sim")
PV = [{"pv": "A", "signal": "stored_current"}]
ATTRIBUTE = [{"attribute": "a/b/c/d", "signal": "stored_current"}]


@pytest.mark.parametrize(
    ("spec", "table", "library", "extra"),
    [
        (EpicsCaSource, {"kind": "epics_ca", "signal": PV}, "aioca", "epics"),
        (EpicsPvaSource, {"kind": "epics_pva", "signal": PV}, "p4p.client.raw", "epics"),
        (TangoSource, {"kind": "tango", "signal": ATTRIBUTE}, "tango", "tango"),
    ],
)
async def test_a_live_source_names_its_extra(
    spec: Any, table: dict[str, Any], library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"source ring: .*{library}.*pip install \"kado\[{extra}\]\""):
        async with spec.model_validate({"id": "ring", **table}).connect(PROFILE, system_clock):
            pass


def test_an_archive_in_postgresql_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    table = {"id": "archive", "kind": "archiver", "archive": "postgresql", "url": "postgresql://a@b/c"}
    spec = ArchiverSource.model_validate({**table, "signal": [{"channel": "A", "signal": "stored_current"}]})
    with pytest.raises(MissingExtraError, match=r"kado\[archiver\]"):
        spec.open(PROFILE)
