"""Accounts of the page, and shifts that were handed over, in the journal."""

import json
from dataclasses import asdict, replace
from datetime import tzinfo
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from facility.accounts import Account, AccountAction, AccountChange, Role, accounts_of, check_change
from facility.errors import HandoverError
from facility.handovers import (
    Countersignature,
    Handover,
    ShiftRemark,
    check_countersignature,
    check_handover,
    check_remark,
    check_shift_remark,
)
from facility.sentence import Sentence
from facility.time import Clock, system_clock
from storage.journal.open_journal import OpenJournal, open_database
from storage.journal.records import insert_record, select_records
from storage.journal.schema import ACCOUNT_CHANGE, COUNTERSIGNATURE, HANDOVER, SHIFT_REMARK


class PeopleJournal(OpenJournal):
    """What people of the page are and sign; several processes may write to it at once.

    Use `open`, and close it or use it as a context manager.
    """

    @classmethod
    def open(cls, where: Path | str, facility: str, clock: Clock = system_clock, zone: tzinfo | None = None) -> Self:
        """Open the journal of a facility; raises as `storage.journal.open_journal.open_database`."""
        return cls(open_database(where, facility), clock, zone)

    def change_account(self, new: AccountChange) -> AccountChange:
        """Record what happens to an account; its id and time of record are given here.

        Raises
        ------
        AccountError
            If it does not fit the accounts that there are; then nothing is written.
        """
        with self._database.writing() as connection:
            check_change(new, accounts_of(_select_changes(connection)))
            new = replace(new, recorded_at_ns=self._clock())
            values = asdict(new)
            del values["id"]
            values["action"] = new.action.value
            values["role"] = None if new.role is None else new.role.value
            return replace(new, id=insert_record(connection, ACCOUNT_CHANGE, values))

    def account_changes(self) -> tuple[AccountChange, ...]:
        """Return all that happened to accounts, in the order recorded."""
        with self._database.reading() as connection:
            return _select_changes(connection)

    def accounts(self) -> dict[str, Account]:
        """Return the accounts that there are, by name."""
        return accounts_of(self.account_changes())

    def add_remark(self, new: ShiftRemark) -> ShiftRemark:
        """Record a remark on a shift; its id and time of record are given here.

        Raises
        ------
        HandoverError
            If it is empty or too long, or the shift was handed over; then nothing is written.
        """
        with self._database.writing() as connection:
            if any(h.shift_start_ns == new.shift_start_ns for h in _select_handovers(connection)):
                raise HandoverError(Sentence("this shift was handed over: add the remark to the shift that follows"))
            check_shift_remark(new)
            new = replace(new, text=check_remark(new.text, needed=True), recorded_at_ns=self._clock())
            values = asdict(new)
            del values["id"]
            return replace(new, id=insert_record(connection, SHIFT_REMARK, values))

    def remarks(self, shift_start_ns: int) -> tuple[ShiftRemark, ...]:
        """Return the remarks on a shift, in the order recorded."""
        c = SHIFT_REMARK.c
        query = sa.select(SHIFT_REMARK).where(c.shift_start_ns == shift_start_ns).order_by(c.id)
        with self._database.reading() as connection:
            return tuple(
                ShiftRemark(row.id, row.shift_start_ns, row.author, row.text, row.recorded_at_ns)
                for row in select_records(connection, query)
            )

    def sign(self, new: Handover) -> Handover:
        """Record a handover; its id and time of record are given here.

        Raises
        ------
        HandoverError
            If the shift has not begun or was handed over already, or nobody signs; then nothing is written.
        """
        with self._database.writing() as connection:
            earlier = next((h for h in _select_handovers(connection) if h.shift_start_ns == new.shift_start_ns), None)
            now_ns = self._clock()
            check_handover(new, earlier, now_ns, self._zone)
            new = replace(new, remarks=check_remark(new.remarks), recorded_at_ns=now_ns, countersigned=None)
            values: dict[str, Any] = {
                "shift_start_ns": new.shift_start_ns,
                "shift_end_ns": new.shift_end_ns,
                "author": new.author,
                "remarks": new.remarks,
                "digest": new.digest,
                "document": json.dumps(new.document, ensure_ascii=False, sort_keys=True),
                "recorded_at_ns": now_ns,
            }
            return replace(new, id=insert_record(connection, HANDOVER, values))

    def countersign(self, handover_id: int, author: str, remark: str = "") -> Handover:
        """Record that the next shift has read a handover.

        Raises
        ------
        HandoverError
            If there is none of that id, it was countersigned already, or its author signs again.
        """
        with self._database.writing() as connection:
            found = next((h for h in _select_handovers(connection) if h.id == handover_id), None)
            if found is None:
                raise HandoverError(Sentence("there is no handover #{id}: see 'kado shift list'", id=handover_id))
            new = Countersignature(handover_id, author, check_remark(remark), self._clock())
            check_countersignature(new, found, self._zone)
            insert_record(connection, COUNTERSIGNATURE, asdict(new))
            return replace(found, countersigned=new)

    def handovers(self) -> tuple[Handover, ...]:
        """Return every handover, newest shift first."""
        with self._database.reading() as connection:
            return _select_handovers(connection)


def _select_changes(connection: sa.Connection) -> tuple[AccountChange, ...]:
    query = sa.select(ACCOUNT_CHANGE).order_by(ACCOUNT_CHANGE.c.id)
    return tuple(
        AccountChange(
            id=row.id,
            name=row.name,
            action=AccountAction(row.action),
            author=row.author,
            recorded_at_ns=row.recorded_at_ns,
            role=None if row.role is None else Role(row.role),
            password_hash=row.password_hash,
        )
        for row in select_records(connection, query)
    )


def _select_handovers(connection: sa.Connection) -> tuple[Handover, ...]:
    signed = {
        row.handover_id: Countersignature(row.handover_id, row.author, row.remark, row.recorded_at_ns)
        for row in select_records(connection, sa.select(COUNTERSIGNATURE))
    }
    query = sa.select(HANDOVER).order_by(HANDOVER.c.shift_start_ns.desc())
    return tuple(
        Handover(
            id=row.id,
            shift_start_ns=row.shift_start_ns,
            shift_end_ns=row.shift_end_ns,
            author=row.author,
            remarks=row.remarks,
            recorded_at_ns=row.recorded_at_ns,
            digest=row.digest,
            document=json.loads(row.document),
            countersigned=signed.get(row.id),
        )
        for row in select_records(connection, query)
    )
