"""The JSON of every command on a fixed data set stays as it is recorded: programs read it."""

import json
from pathlib import Path

from command_line import Kado
from recorded_documents import RECORD, documents


def test_each_document_of_a_facility_begins_with_its_identity() -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    found = {name: row["document"] for name, row in recorded.items() if isinstance(row["document"], dict)}
    assert len(found) > 30
    for name, document in found.items():
        assert list(document)[:2] == ["facility", "simulated"], name
        if "period" in document:
            assert list(document["period"]) == ["id", "start", "end"], name


def test_every_document_is_as_recorded(seeded: Kado, tmp_path: Path) -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    found = documents(tmp_path)
    assert list(found) == list(recorded)
    for name, document in found.items():
        assert document == recorded[name], f"{name}: if this is meant, run python tests/support/recorded_documents.py"
