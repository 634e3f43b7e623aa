"""Tables of the journal as they are now.

``migrations/`` says the same tables once more, on purpose: a step that was released never changes, and these do.
A test makes a journal step by step and compares it with these tables.
"""

from typing import Final

import sqlalchemy as sa

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Revisions of the schema, oldest first; the last one is what this kado reads and writes."""

METADATA: Final = sa.MetaData()

JOURNAL_META: Final = sa.Table(
    "journal_meta",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Whose journal it is."""

SCHEDULE_VERSION: Final = sa.Table(
    "schedule_version",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("published_at_ns", sa.BigInteger, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
    sqlite_autoincrement=True,
)
"""One publication of the calendar; `origin` is where it was read from, `fingerprint` identifies its content."""

SCHEDULE_BLOCK: Final = sa.Table(
    "schedule_block",
    METADATA,
    sa.Column("version_id", sa.Integer, sa.ForeignKey("schedule_version.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("run", sa.Text, nullable=True),
    sa.Column("note", sa.Text, nullable=False),
)
"""The blocks of a version, in order of time."""

CORRECTION: Final = sa.Table(
    "correction",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    sa.Column("assertion", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=True),
    sa.Column("limit_value", sa.Double, nullable=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
    sqlite_autoincrement=True,
)
"""What people assert about intervals of time; `category` and `limit_value` where the assertion has one."""

WITHDRAWAL: Final = sa.Table(
    "withdrawal",
    METADATA,
    sa.Column("correction_id", sa.Integer, sa.ForeignKey("correction.id"), primary_key=True, autoincrement=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
)
"""Corrections taken back, each at most once."""

INCIDENT: Final = sa.Table(
    "incident",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("root_cause", sa.Boolean, nullable=False),
    sa.Column("cause_text", sa.Text, nullable=False),
    sa.Column("resolution", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
    sqlite_autoincrement=True,
)
"""What was broken, from when to when; attached to events by overlap."""

INCIDENT_WITHDRAWAL: Final = sa.Table(
    "incident_withdrawal",
    METADATA,
    sa.Column("incident_id", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True, autoincrement=False),
    sa.Column("replaced_by", sa.Integer, sa.ForeignKey("incident.id"), nullable=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
)
"""Incidents taken back, each at most once; `replaced_by` where a better one was recorded in their place."""

ALARM_RULES: Final = sa.Table(
    "alarm_rules",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""Every set of alarm rules that was in force."""

ALARM_ACTION: Final = sa.Table(
    "alarm_action",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("facility", sa.Text, nullable=False),
    sa.Column("alarm", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("occurrence", sa.Integer, nullable=True),
    sa.Column("until_ns", sa.BigInteger, nullable=True),
    sa.Column("once", sa.Boolean, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""What people did with alarms: acknowledged, shelved, took out of service."""

ALARM_REFUSAL: Final = sa.Table(
    "alarm_refusal",
    METADATA,
    sa.Column("action_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Actions that changed nothing, and why."""

ALARM_TRANSITION: Final = sa.Table(
    "alarm_transition",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("facility", sa.Text, nullable=False),
    sa.Column("alarm", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=True),
    sa.Column("since_ns", sa.BigInteger, nullable=True),
    sa.Column("occurrence", sa.Integer, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("class", sa.Text, nullable=False),
    sa.Column("annunciated", sa.Boolean, nullable=False),
    sa.Column("chattering", sa.Boolean, nullable=False),
    sa.Column("input_known", sa.Boolean, nullable=False),
    sa.Column("value", sa.Double, nullable=True),
    sa.Column("word", sa.Text, nullable=True),
    sa.Column("limit_value", sa.Double, nullable=True),
    sa.Column("action_id", sa.Integer, nullable=True),
    sa.Column("rules_id", sa.Integer, nullable=True),
    sa.UniqueConstraint("facility", "alarm", "seq"),
    sa.Index("alarm_transition_time", "facility", "time_ns"),
    sqlite_autoincrement=True,
)
"""Changes of the state that is shown, but for those that move only between normal, unknown and suppressed."""

ALARM_WATCH: Final = sa.Table(
    "alarm_watch",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("facility", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("from_ns", sa.BigInteger, nullable=False),
    sa.Column("to_ns", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("facility", "kind", "from_ns", "to_ns"),
    sqlite_autoincrement=True,
)
"""When alarms were not watched, or began and ended to be: start, stop, hole, clock."""

ISSUED_REPORT: Final = sa.Table(
    "issued_report",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("facility", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("start_ns", sa.BigInteger, nullable=False),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("known_on_ns", sa.BigInteger, nullable=False),
    sa.Column("figures_digest", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.UniqueConstraint("facility", "period", "definition", "edition"),
    sqlite_autoincrement=True,
)
"""Editions of reports that were issued, with all that they stated."""

CONFIRMATION: Final = sa.Table(
    "confirmation",
    METADATA,
    sa.Column("correction_id", sa.Integer, sa.ForeignKey("correction.id"), primary_key=True, autoincrement=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
)
"""Corrections that a second person agreed with, each at most once."""

ACCOUNT_CHANGE: Final = sa.Table(
    "account_change",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=True),
    sa.Column("password_hash", sa.Text, nullable=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
    sqlite_autoincrement=True,
)
"""What happened to accounts of the page; an account is what its changes come to."""

SHIFT_REMARK: Final = sa.Table(
    "shift_remark",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("shift_start_ns", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
    sa.Index("shift_remark_shift", "shift_start_ns"),
    sqlite_autoincrement=True,
)
"""Lines of the log of a shift."""

HANDOVER: Final = sa.Table(
    "handover",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("shift_start_ns", sa.BigInteger, nullable=False, unique=True),
    sa.Column("shift_end_ns", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("remarks", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
    sqlite_autoincrement=True,
)
"""Shifts that were handed over, each once, with all that was known of them then."""

COUNTERSIGNATURE: Final = sa.Table(
    "countersignature",
    METADATA,
    sa.Column("handover_id", sa.Integer, sa.ForeignKey("handover.id"), primary_key=True, autoincrement=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=True),
)
"""Handovers that the next shift signed, each at most once."""

NOT_CONFIRMED_UP_TO: Final = "excluded_counts_unconfirmed_up_to"
"""Key of `JOURNAL_META`: exclusions up to this id were recorded before a second person was asked for."""
