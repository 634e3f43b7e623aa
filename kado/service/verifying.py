"""Whether all that is kept is whole: ``kado store verify``."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from collector.ledger import read_ledger, verify_ledger
from facility.errors import ArchiveError, DamagedDataError
from facility.profile import Profile
from facility.time import Clock
from kado.config import Configuration
from kado.language import tr
from kado.progress import progress_bar
from kado.queries.identity import identity
from kado.rounding import size
from kado.stores import open_for_maintenance, open_store
from storage.data_dir import DataDir
from storage.databases import verify_databases
from storage.telemetry_db import TelemetryConnection, open_reader
from storage.upkeep import Finding, Verified

_NOTHING = Verified((), 0, 0, 0)


_ACCOUNT = (
    "look what has changed the data directory beside kado; restore the newest backup into another folder and compare"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, and what is not as it should be."""

    deep: bool
    verified: Verified
    """The sealed files; nothing with InfluxDB, which keeps its own."""
    findings: tuple[Finding, ...]
    """All, those of `verified` included."""
    repaired: int
    """Files whose minutes were computed again; they are no longer among the findings."""
    accepted: int = 0
    """Days of a signal whose rows were not what landed, and count as they are from now on."""


def verify_store(
    configuration: Configuration, clock: Clock, *, deep: bool, repair_rollup: bool, accept_rows: bool = False
) -> Verdict:
    """Check sealed files, both databases and the ledger, while another process may write; with a progress bar.

    `accept_rows` lets rows that are not what landed count as they are; it needs that no other kado runs.
    `repair_rollup` implies `deep`, and needs that no other kado runs.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    LockedError
        If minutes are to be made again and another process holds the data directory.
    UnreachableError
        If the store does not answer.
    """
    if accept_rows:
        with open_for_maintenance(configuration, clock) as store:
            accepted = store.accept_rows()
        found = look(configuration, deep=deep)
        return Verdict(deep, found.verified, found.findings, 0, accepted)
    if not repair_rollup:
        return look(configuration, deep=deep)
    with open_for_maintenance(configuration, clock) as store:
        first = look(configuration, deep=True)
        wrong = [finding for finding in first.findings if finding.rollup_of is not None]
        repaired = store.rebuild_minutes(wrong) if wrong else 0
    if not repaired:
        return first
    again = look(configuration, deep=True)
    return Verdict(True, again.verified, again.findings, repaired)


def look(configuration: Configuration, *, deep: bool, ledger: bool = True) -> Verdict:
    """Check sealed files and both databases; without `ledger` nothing is asked of a server."""
    findings: list[Finding] = []
    verified = _NOTHING
    telemetry = str(DataDir(configuration.data_dir).telemetry)
    with closing(
        open_reader(configuration.data_dir, configuration.profile.id, configuration.backend.kind)
    ) as connection:
        findings += verify_databases(connection, configuration.data_dir, deep=deep)
        try:
            verified = _files(configuration, connection, deep=deep)
            findings += verified.findings
            if ledger:
                findings += _ledger(configuration)
        except DamagedDataError as error:
            # SQLite said so above already, unless it is only found on the way.
            if not findings:
                findings.append(Finding(telemetry, str(error), "keep a copy of the folder, and restore a backup"))
    return Verdict(deep, verified, tuple(findings), 0)


def _files(configuration: Configuration, connection: TelemetryConnection, *, deep: bool) -> Verified:
    with progress_bar(tr("sealed files"), 1) as bar:

        def show(done: int, total: int) -> None:
            bar.advance_to(done, size(done), total)

        return configuration.backend.verify(connection, deep=deep, progress=show)


def _ledger(configuration: Configuration) -> list[Finding]:
    before = read_ledger(configuration.data_dir, check_outbox=True)
    try:
        with open_store(configuration) as store:
            differences = verify_ledger(before, store)
    except ArchiveError:
        # A sealed file cannot be read, and its rows cannot be distinguished from it: that file is named already.
        return []
    return [Finding("ledger", difference, _ACCOUNT) for difference in differences]


def verdict_document(profile: Profile, verdict: Verdict) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        **identity(profile),
        "deep": verdict.deep,
        "files": verdict.verified.files,
        "samples": verdict.verified.samples,
        "bytes": verdict.verified.bytes,
        "repaired": verdict.repaired,
        "findings": [{"file": f.file, "what": f.what, "remedy": f.remedy} for f in verdict.findings],
    }
