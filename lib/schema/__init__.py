"""The seven tables as production writes them.

Production owns the tables; the app only reads them. On SQLite every timestamp is text, on PostgreSQL a real one.

"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
)

# The values that production writes, in the order in which people read them.
ROLES = ("free", "student", "coach", "superuser")
LEVELS = ("B1", "B2", "C1", "C2")

metadata = MetaData()

Timestamp = DateTime(timezone=True).with_variant(Text(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("email", Text),
    Column("role", Text),
    Column("english_level", Text),
    Column("created_at", Timestamp),
    Column("last_active", Timestamp),
)

coaching_sessions = Table(
    "coaching_sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("session_topic", Text),
    Column("user_level", Text),
    Column("started_at", Timestamp),
    Column("ended_at", Timestamp),
    Column("duration_seconds", Integer),
    Column("confidence_score", Float),
    Column("message_count", Integer),
    Column("error_count", Integer),
    Column("phase", Text),
)

detected_errors = Table(
    "detected_errors",
    metadata,
    Column("error_id", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("coaching_sessions.session_id")),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("error_type", Text),
    Column("error_category", Text),
    Column("error_text", Text),
    Column("severity", Text),
    Column("detected_at", Timestamp),
)

it_errors = Table(
    "it_errors",
    metadata,
    Column("error_id", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("coaching_sessions.session_id")),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("domain", Text),
    Column("error_pattern", Text),
    Column("correct_form", Text),
    Column("frequency", Integer),
    Column("detected_at", Timestamp),
)

pricing_errors = Table(
    "pricing_errors",
    metadata,
    Column("error_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("error", Text),
    Column("category", Text),
    Column("domain", Text),
    Column("session_id", Text),
    Column("timestamp", Timestamp),
)

lead_scores = Table(
    "lead_scores",
    metadata,
    Column("score_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("lead_status", Text),
    Column("overall_score", Float),
    Column("readiness_score", Float),
    Column("urgency_score", Float),
    Column("value_score", Float),
    Column("calculated_at", Timestamp),
)

conversion_triggers = Table(
    "conversion_triggers",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("trigger_type", Text),
    Column("conditions_met", Text),
    Column("confidence_scores", Text),
    Column("triggered_at", Timestamp),
    Column("offer_sent", Boolean),
    Column("offer_accepted", Boolean),
)

TABLES: tuple[Table, ...] = (
    users,
    coaching_sessions,
    detected_errors,
    it_errors,
    pricing_errors,
    lead_scores,
    conversion_triggers,
)
# The tables that a young installation may not have yet.
OPTIONAL_TABLES: frozenset[str] = frozenset(
    table.name for table in (it_errors, pricing_errors, lead_scores, conversion_triggers)
)

# The column that says when a row happened.
TIME_COLUMN: dict[str, str] = {
    "users": "created_at",
    "coaching_sessions": "started_at",
    "detected_errors": "detected_at",
    "it_errors": "detected_at",
    "pricing_errors": "timestamp",
    "lead_scores": "calculated_at",
    "conversion_triggers": "triggered_at",
}
