"""Tables of the journal, as they are now; ``migrations/`` holds how they came to be."""

from typing import Final

import sqlalchemy as sa

REVISIONS: Final = ("0001",)
"""Revisions of the schema, oldest first; the last one is what this kado reads and writes."""

METADATA: Final = sa.MetaData()

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
"""One publication of the calendar; `origin` is where it was read from, `fingerprint` tells what was recorded."""

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
