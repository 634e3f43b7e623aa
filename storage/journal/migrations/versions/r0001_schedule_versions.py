"""Schedule versions and their blocks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "schedule_version",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("published_at_ns", sa.BigInteger, nullable=False),
        sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "schedule_block",
        sa.Column("version_id", sa.Integer, sa.ForeignKey("schedule_version.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("run", sa.Text, nullable=True),
        sa.Column("note", sa.Text, nullable=False),
    )
