"""Whose journal it is, and a checksum for each record of people's."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "journal_meta", sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
    )
    for table in ("correction", "withdrawal", "incident", "incident_withdrawal"):
        op.add_column(table, sa.Column("checksum", sa.BigInteger, nullable=True))
