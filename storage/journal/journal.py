"""The journal: what people decided and published. Nothing in it is ever changed or deleted."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from facility.corrections import (
    Confirmation,
    Correction,
    Withdrawal,
    awaiting_confirmation,
    check_confirmation,
    check_correction,
    check_withdrawal,
    in_force,
)
from facility.errors import CorrectionError, DamagedDataError, IncidentError, ReportError, ScheduleError
from facility.incidents import Incident, IncidentWithdrawal, check_incident, check_incident_withdrawal, standing
from facility.issued_report import IssuedReport
from facility.schedule import Block, Category, ScheduleVersion
from facility.sentence import Sentence
from facility.time import Clock, format_second, system_clock
from facility.written_text import check_line
from storage.journal.assertions import (
    exempt_corrections,
    insert_confirmation,
    insert_correction,
    insert_incident,
    insert_incident_withdrawal,
    insert_withdrawal,
    select_confirmations,
    select_corrections,
    select_incident_withdrawals,
    select_incidents,
    select_withdrawals,
)
from storage.journal.connection import Database
from storage.journal.open_journal import OpenJournal, open_database
from storage.journal.reports import insert_report, select_reports
from storage.journal.schema import SCHEDULE_BLOCK, SCHEDULE_VERSION
from storage.telemetry_db.connection import RESTORE


class Journal(OpenJournal):
    """The journal of one data directory; several processes may write to it at once.

    Use `open`, and close it or use it as a context manager.
    """

    @classmethod
    def open(
        cls, where: Path | str, clock: Clock = system_clock, facility: str | None = None, zone: tzinfo | None = None
    ) -> Self:
        """Open a journal, making it or bringing its schema up to date.

        Parameters
        ----------
        where
            The path of a SQLite file, or the URL of a database as SQLAlchemy writes it.
        clock
            Gives the time of record.
        facility
            Whose journal it has to be; None opens any.
        zone
            Of the times in messages, the facility's; None: UTC.

        Raises
        ------
        DamagedDataError
            If it is damaged.
        FormatVersionError
            If it is of a newer revision, or not kado's.
        UnreachableError
            If it cannot be opened.
        ConfigError
            If `where` is neither a path nor a URL, or the journal is another facility's.
        """
        return cls(Database(where) if facility is None else open_database(where, facility), clock, zone)

    def add_schedule_versions(self, versions: Iterable[ScheduleVersion], author: str, origin: str) -> int:
        """Record versions of the calendar, in their order, all or none.

        A version that is recorded already, with the same publication time and the same blocks, is passed over.

        Parameters
        ----------
        versions
            What was published.
        author
            Who records it.
        origin
            Where it was read from, such as the name of a file.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        ScheduleError
            If author, origin, or a note, tag or run's name is too long, or holds characters that are no text.
        """
        check_line(Sentence("the author's name"), author, ScheduleError)
        check_line(Sentence("the name of the file"), origin, ScheduleError)
        versions = tuple(versions)
        for version in versions:
            for block in version.blocks:
                block.check_texts()
        added = 0
        with self._database.writing() as connection:
            known = set(connection.execute(sa.select(SCHEDULE_VERSION.c.fingerprint)).scalars())
            for version in versions:
                blocks = [_row(block) for block in version.blocks]
                fingerprint = _fingerprint(version.published_at_ns, blocks)
                if fingerprint in known:
                    continue
                known.add(fingerprint)
                made = connection.execute(
                    sa.insert(SCHEDULE_VERSION).values(
                        published_at_ns=version.published_at_ns,
                        recorded_at_ns=self._clock(),
                        author=author,
                        origin=origin,
                        fingerprint=fingerprint,
                    )
                )
                (version_id,) = made.inserted_primary_key or (None,)
                rows = [{"version_id": version_id, "position": i, **row} for i, row in enumerate(blocks)]
                connection.execute(sa.insert(SCHEDULE_BLOCK), rows)
                added += 1
        return added

    def schedule_versions(self) -> tuple[ScheduleVersion, ...]:
        """Return every version of the calendar, in the order they were recorded."""
        version, block = SCHEDULE_VERSION.c, SCHEDULE_BLOCK.c
        with self._database.reading() as connection:
            columns = sa.select(version.id, version.published_at_ns, version.recorded_at_ns, version.fingerprint)
            published = connection.execute(columns.order_by(version.id)).all()
            rows = connection.execute(sa.select(SCHEDULE_BLOCK).order_by(block.version_id, block.position)).all()
            blocks: dict[int, list[Block]] = {number: [] for number, *_ in published}
            for row in rows:
                blocks[row.version_id].append(
                    Block(row.start_ns, row.end_ns, Category(row.category), tuple(row.tags), row.run, row.note)
                )
            for number, at, _, fingerprint in published:
                if _fingerprint(at, [_row(one) for one in blocks[number]]) != fingerprint:
                    raise DamagedDataError(
                        Sentence(
                            "journal {journal} is damaged: version {n} of the schedule, published {time}, is not what"
                            " was recorded ({blocks} blocks): {restore}",
                            journal=self._database.name,
                            n=number,
                            time=format_second(at, self._zone),
                            blocks=len(blocks[number]),
                            restore=RESTORE,
                        )
                    )
        return tuple(ScheduleVersion(at, tuple(blocks[number]), recorded) for number, at, recorded, _ in published)

    def add_correction(self, new: Correction) -> Correction:
        """Record a correction, checked against those in force at that very moment.

        Parameters
        ----------
        new
            Its id and time of record are given here, whatever they were.

        Returns
        -------
        Correction
            As recorded.

        Raises
        ------
        CorrectionError
            If it says nothing, or contradicts one in force; then nothing is written.
        """
        with self._database.writing() as connection:
            holding = in_force(select_corrections(connection), select_withdrawals(connection))
            check_correction(new, holding, self._zone)
            return insert_correction(connection, replace(new, recorded_at_ns=self._clock()))

    def withdraw(self, correction_id: int, author: str, reason: str) -> Correction:
        """Take a correction back; both stay on record.

        Returns
        -------
        Correction
            The one that no longer holds.

        Raises
        ------
        CorrectionError
            If there is no record of that id, it was withdrawn before, or author or reason is missing.
        """
        with self._database.writing() as connection:
            corrections = {c.id: c for c in select_corrections(connection)}
            withdrawn = {w.correction_id: w for w in select_withdrawals(connection)}
            if correction_id not in corrections:
                raise _no_correction(correction_id, len(corrections))
            if correction_id in withdrawn:
                before = withdrawn[correction_id]
                raise CorrectionError(
                    Sentence(
                        "correction #{id} was withdrawn already, by {author} on {time}: {reason}",
                        id=correction_id,
                        author=before.author,
                        time=format_second(before.recorded_at_ns, self._zone),
                        reason=before.reason,
                    )
                )
            new = Withdrawal(correction_id, author, reason, self._clock())
            check_withdrawal(new)
            insert_withdrawal(connection, new)
        return corrections[correction_id]

    def corrections(self) -> tuple[Correction, ...]:
        """Return every correction, withdrawn or not, in the order they were recorded."""
        with self._database.reading() as connection:
            return select_corrections(connection)

    def withdrawals(self) -> tuple[Withdrawal, ...]:
        """Return every withdrawal, in order of the corrections."""
        with self._database.reading() as connection:
            return select_withdrawals(connection)

    def confirm(self, correction_id: int, author: str, remark: str = "") -> Correction:
        """Record that a second person agrees with a correction; from then on it counts.

        Returns
        -------
        Correction
            The one that was confirmed.

        Raises
        ------
        CorrectionError
            If there is no correction of that id, it needs no confirmation or has one, was withdrawn, or is of `author`.
        """
        with self._database.writing() as connection:
            corrections = {c.id: c for c in select_corrections(connection)}
            if correction_id not in corrections:
                raise _no_correction(correction_id, len(corrections))
            of = corrections[correction_id]
            withdrawn = {w.correction_id: w for w in select_withdrawals(connection)}
            if correction_id in withdrawn:
                raise CorrectionError(
                    Sentence(
                        "correction #{id} was withdrawn by {author}: there is nothing to confirm",
                        id=correction_id,
                        author=withdrawn[correction_id].author,
                    )
                )
            earlier = {c.correction_id: c for c in select_confirmations(connection)}
            new = Confirmation(correction_id, author, remark, self._clock())
            check_confirmation(new, of, earlier.get(correction_id), self._zone)
            insert_confirmation(connection, new)
        return of

    def confirmations(self) -> tuple[Confirmation, ...]:
        """Return every confirmation, in order of the corrections."""
        with self._database.reading() as connection:
            return select_confirmations(connection)

    def corrections_by_standing(
        self, as_known_on_ns: int | None = None
    ) -> tuple[tuple[Correction, ...], tuple[Correction, ...]]:
        """Return the corrections that count, and those that await confirmation by a second person.

        Both are in order of start; what was recorded later than `as_known_on_ns` is left out.
        """
        with self._database.reading() as connection:
            recorded = select_corrections(connection)
            holding = in_force(recorded, select_withdrawals(connection), as_known_on_ns)
            exempt = exempt_corrections(connection, recorded)
            waiting = awaiting_confirmation(holding, select_confirmations(connection), exempt, as_known_on_ns)
        return tuple(c for c in holding if c not in waiting), waiting

    def add_incident(self, new: Incident, *, replaces: int | None = None, reason: str = "") -> Incident:
        """Record what was broken; its id and time of record are given here.

        With `replaces`, the incident of that id is taken back for `reason` in the same transaction.

        Raises
        ------
        IncidentError
            If it says nothing, or the one to replace does not exist; then nothing is written.
        """
        check_incident(new, self._zone)
        with self._database.writing() as connection:
            now_ns = self._clock()
            recorded = insert_incident(connection, replace(new, recorded_at_ns=now_ns))
            if replaces is not None:
                withdrawal = IncidentWithdrawal(replaces, new.author, reason, now_ns, recorded.id)
                self._withdraw_incident(connection, withdrawal)
            return recorded

    def withdraw_incident(self, incident_id: int, author: str, reason: str) -> Incident:
        """Take an incident back; both stay on record.

        Returns
        -------
        Incident
            The one that no longer holds.

        Raises
        ------
        IncidentError
            If there is no record of that id, it was withdrawn before, or author or reason is missing.
        """
        with self._database.writing() as connection:
            withdrawal = IncidentWithdrawal(incident_id, author, reason, self._clock())
            return self._withdraw_incident(connection, withdrawal)

    def _withdraw_incident(self, connection: sa.Connection, new: IncidentWithdrawal) -> Incident:
        incidents = {i.id: i for i in select_incidents(connection) if i.id != new.replaced_by}
        withdrawn = {w.incident_id: w for w in select_incident_withdrawals(connection)}
        if new.incident_id not in incidents:
            raise IncidentError(
                Sentence(
                    "there is no incident #{id}: the journal holds {n}, see 'kado incident list'",
                    id=new.incident_id,
                    n=len(incidents),
                )
            )
        if new.incident_id in withdrawn:
            before = withdrawn[new.incident_id]
            already = Sentence(
                "incident #{id} was withdrawn already, by {author} on {time}: {reason}",
                id=new.incident_id,
                author=before.author,
                time=format_second(before.recorded_at_ns, self._zone),
                reason=before.reason,
            )
            if before.replaced_by is None:
                raise IncidentError(already)
            raise IncidentError(
                Sentence("{withdrawn}; #{other} replaces it", withdrawn=already, other=before.replaced_by)
            )
        check_incident_withdrawal(new)
        insert_incident_withdrawal(connection, new)
        return incidents[new.incident_id]

    def incidents(self, as_known_on_ns: int | None = None) -> tuple[Incident, ...]:
        """Return the incidents that hold, in the order recorded; what was recorded later than that left out."""
        with self._database.reading() as connection:
            return standing(select_incidents(connection), select_incident_withdrawals(connection), as_known_on_ns)

    def all_incidents(self) -> tuple[tuple[Incident, IncidentWithdrawal | None], ...]:
        """Return every incident in the order recorded, each with its withdrawal if there is one."""
        with self._database.reading() as connection:
            withdrawn = {w.incident_id: w for w in select_incident_withdrawals(connection)}
            return tuple((i, withdrawn.get(i.id)) for i in select_incidents(connection))

    def issue_report(self, new: IssuedReport) -> IssuedReport:
        """Record an edition of a report; its number and time of record are given here.

        Raises
        ------
        ReportError
            If the last edition states the same figures, or no author is named; then nothing is written.
        """
        if not new.author.strip():
            raise ReportError(
                Sentence("the report of {period} needs a responsible author: give --author NAME", period=new.period)
            )
        check_line(Sentence("the author's name"), new.author, ReportError)
        with self._database.writing() as connection:
            key = (new.facility, new.period, new.definition)
            earlier = [r for r in select_reports(connection) if (r.facility, r.period, r.definition) == key]
            if earlier and earlier[-1].figures_digest == new.figures_digest:
                last = earlier[-1]
                raise ReportError(
                    Sentence(
                        "edition {n} of the report of {period} by {definition}, issued by {author} on {time}, states"
                        " the same figures: there is nothing new to issue",
                        n=last.edition,
                        period=new.period,
                        definition=new.definition,
                        author=last.author,
                        time=format_second(last.recorded_at_ns, self._zone),
                    )
                )
            issued = replace(new, edition=len(earlier) + 1, recorded_at_ns=self._clock())
            insert_report(connection, issued)
            return issued

    def issued_reports(self) -> tuple[IssuedReport, ...]:
        """Return every edition of every report, in the order they were issued."""
        with self._database.reading() as connection:
            return select_reports(connection)


def _no_correction(correction_id: int, n: int) -> CorrectionError:
    return CorrectionError(
        Sentence("there is no correction #{id}: the journal holds {n}, see 'kado correct list'", id=correction_id, n=n)
    )


def _row(block: Block) -> dict[str, Any]:
    return {
        "start_ns": block.start_ns,
        "end_ns": block.end_ns,
        "category": block.category.value,
        "tags": list(block.tags),
        "run": block.run,
        "note": block.note,
    }


def _fingerprint(published_at_ns: int, blocks: list[dict[str, Any]]) -> str:
    content = json.dumps([published_at_ns, blocks], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()
