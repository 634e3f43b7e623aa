"""Reports that were issued."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "issued_report",
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
