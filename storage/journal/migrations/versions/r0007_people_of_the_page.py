"""Accounts of the page, confirmations of corrections, and shifts that were handed over."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "confirmation",
        sa.Column("correction_id", sa.Integer, sa.ForeignKey("correction.id"), primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "account_change",
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
    op.create_table(
        "shift_remark",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("shift_start_ns", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("shift_remark_shift", "shift_remark", ["shift_start_ns"])
    op.create_table(
        "handover",
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
    op.create_table(
        "countersignature",
        sa.Column("handover_id", sa.Integer, sa.ForeignKey("handover.id"), primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=True),
    )
    # Exclusions that are on record already go on counting: figures that were printed stay what they were.
    op.execute(
        "INSERT INTO journal_meta (key, value)"
        " SELECT 'excluded_counts_unconfirmed_up_to', CAST(COALESCE(MAX(id), 0) AS TEXT) FROM correction"
    )
