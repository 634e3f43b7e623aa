"""Alarms: transitions, actions, refusals, rules, and when they were watched."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "alarm_rules",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("recorded_at_ns", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alarm_action",
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
    op.create_table(
        "alarm_refusal",
        sa.Column("action_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "alarm_transition",
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
        sqlite_autoincrement=True,
    )
    op.create_index("alarm_transition_time", "alarm_transition", ["facility", "time_ns"])
    op.create_table(
        "alarm_watch",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("facility", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("from_ns", sa.BigInteger, nullable=False),
        sa.Column("to_ns", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("facility", "kind", "from_ns", "to_ns"),
        sqlite_autoincrement=True,
    )
