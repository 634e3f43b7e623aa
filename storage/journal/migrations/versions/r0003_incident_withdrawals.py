"""Incidents taken back, or replaced by better ones."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "incident_withdrawal",
        sa.Column("incident_id", sa.Integer, sa.ForeignKey("incident.id"), primary_key=True, autoincrement=False),
        sa.Column("replaced_by", sa.Integer, sa.ForeignKey("incident.id"), nullable=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
    )
