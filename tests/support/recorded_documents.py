"""The JSON of every command on one fixed data set, recorded once and compared with what kado prints now.

Write the record anew after a change of a document that is meant, and look at the difference before it is committed:
``python tests/support/recorded_documents.py``.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

RECORD: Final = Path(__file__).parents[1] / "kado" / "recorded_documents.json"

COMMANDS: Final = (
    "schedule show",
    "schedule show --period 2025-05-14",
    "schedule diff --since 2025-01-01T00:00:00Z",
    "availability --period 2025-05-13",
    "availability --period 2025-05 --definition sls",
    "availability --period 2025-05-13 --definition cebaf",
    "beamlines --period 2025-05-13",
    "events --period 2025-05-13",
    "events --period 2025-05-13 --definition aps",
    "gaps --period 2025-05-13",
    "explain --period 2025-05-13",
    "explain --at 2025-05-13T02:30:00+09:00",
    "explain --at 2025-05-13T05:10:00+09:00",
    "target --config target.toml",
    "definitions",
    "definitions sls",
    "definitions --compare sls aps --period 2025-05-13",
    "correct up --yes --from 2025-05-13T08:00:00+09:00 --to 2025-05-13T08:10:00+09:00 --reason test --author Sato",
    "correct excluded --yes --category grid --from 2025-05-13T02:00:00+09:00 --to 2025-05-13T02:10:00+09:00"
    " --reason dip --author Sato --evidence logbook",
    "correct confirm 2 --author Mori --remark checked",
    "correct reduced --yes --limit 140 --from 2025-05-13T08:10:00+09:00 --to 2025-05-13T08:30:00+09:00"
    " --reason agreed --author Sato",
    "correct withdraw 1 --reason wrong --author Sato",
    "correct list",
    "incident add --system rf --component klystron --title arc --from 2025-05-13T02:00:00+09:00"
    " --to 2025-05-13T03:00:00+09:00 --author Sato --cause arc --resolution changed",
    "incident add --system vacuum --component pump --title leak --from 2025-05-13T02:30:00+09:00"
    " --to 2025-05-13T03:30:00+09:00 --author Sato --root-cause",
    "incident withdraw 1 --reason wrong --author Sato",
    "incident list",
    "incident pareto --period 2025-05-13",
    "incident pareto --period 2025-05-13 --sharing equal-share",
    "availability --period 2025-05-13",
    "explain --period 2025-05-13",
    "fleet figures --config kado.toml --period 2025-05-13 --period 2025-05 --definition sls",
    "ledger",
    "ledger --verify",
    "import samples.csv",
    "store seal --before 2025-05-13T00:00:00Z",
    "store compact --before 2025-05-13T00:00:00Z",
    "store status",
    "store verify --deep",
    "store export current --out current.csv",
    "store import current.csv",
    "store backup backup",
    "store restore backup --config restored.toml",
    "store copy --to copied.toml",
    "status",
    "check",
)
"""In this order, in one folder: some change what the next ones show."""

# They differ from run to run: the hour, the process, the size of what a library wrote, the place in the file system.
_VARYING: Final = re.compile(
    r"(recorded_at|withdrawn_at|added_at|made_at|finished_before|age_s|seconds|pid|running_pid|now|as_known_on|free.*"
    r"|.*bytes|.*bytes_per_day|full_at|days_left|per_day.*|growth.*|started|finished|version|took_s|copied|shared"
    r"|archive|archive_free|bytes_a_sample|data_version)"
)


def documents(folder: Path) -> dict[str, Any]:
    """Run all commands in a seeded folder and return their documents, without what varies."""
    from command_line import run

    text = (folder / "kado.toml").read_text(encoding="utf-8")
    for name in ("restored", "copied"):
        (folder / f"{name}.toml").write_text(text.replace('"data"', f'"{name}"'), encoding="utf-8")
    (folder / "target.toml").write_text(text.replace('"ring.toml"', '"target_ring.toml"'), encoding="utf-8")
    profile = (folder / "ring.toml").read_text(encoding="utf-8")
    (folder / "target_ring.toml").write_text(
        "target = 199.0\noperation_started = 2025-05-01\nstable_at_pct = 80.0\n" + profile, encoding="utf-8"
    )
    found: dict[str, Any] = {}
    for number, line in enumerate(COMMANDS):
        answer = run(*line.split(), "--format", "json")
        document: Any = answer.document if answer.out.strip() else None
        found[f"{number:02d} {line}"] = {"exit_code": answer.exit_code, "document": _settled(document, str(folder))}
    return found


def _settled(value: Any, folder: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _settled(item, folder, name) for name, item in value.items()}
    if _VARYING.fullmatch(key) and value is not None and not isinstance(value, list):
        return f"<{type(value).__name__}>"
    if isinstance(value, list):
        return [_settled(item, folder, key) for item in value]
    if isinstance(value, str):
        text = value.replace(folder, "<folder>")
        return re.sub(r"\b20(2[6-9]|[3-9]\d)-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?", "<time>", text)
    return value


def record() -> None:
    """Write the record anew."""
    from seeded_ring import seed

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed(folder)
        os.chdir(folder)
        found = documents(folder)
        os.chdir("/")
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(found, ensure_ascii=False, indent=1, sort_keys=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2])]
    record()
