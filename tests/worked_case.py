"""The worked cases of the definitions, in one set of rows as of 22 November 2026 (UTC).

Engagement, 16-22 November: free 4 users, 9 sessions, 7.67, 2.67, 2.25; student 4, 7, 8.14, 2.14, 1.75.
Mistakes, 24 October-22 November: 120, of which the five named ones make 15, 12, 10, 8 and 7.
Conversion, 9-22 November: user002 (B2, 3 sessions, 9.00) and user003 (C1, 4 sessions, 8.50); user001 broke off a run
of three and would come in under "best" and "any", user004 never exceeds 8.0 and would come in at 7.9.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

Rows = list[dict[str, Any]]

USERS: Rows = [
    {"user_id": "user001", "email": "one@example.com", "role": "free", "english_level": "B1"},
    {"user_id": "user002", "email": "two@example.com", "role": "free", "english_level": "B2"},
    {"user_id": "user003", "email": "three@example.com", "role": "free", "english_level": "C1"},
    {"user_id": "user004", "email": "four@example.com", "role": "free", "english_level": "B2"},
    {"user_id": "user005", "email": "five@example.com", "role": "student", "english_level": "B1"},
    {"user_id": "user006", "email": "six@example.com", "role": "student", "english_level": "B2"},
    {"user_id": "user007", "email": "seven@example.com", "role": "student", "english_level": "C1"},
    {"user_id": "user008", "email": "eight@example.com", "role": "student", "english_level": "C2"},
    {"user_id": "coach01", "email": "coach@example.com", "role": "coach", "english_level": "C2"},
]

# user, started_at (in the shapes that production writes), confidence, mistakes
SESSIONS_OF_THE_WEEK = [
    ("user001", "2026-11-16 08:00:00", 4.2, 4),
    ("user001", "2026-11-21T09:30:00.000Z", 4.4, 4),
    ("user002", "2026-11-18 18:15:00", 8.8, 2),
    ("user002", "2026-11-20T07:00:00+00:00", 9.0, 1),
    ("user002", "2026-11-22 16:45:00.250", 9.2, 1),
    ("user003", "2026-11-17T12:00:00.000Z", 8.6, 2),
    ("user003", "2026-11-20 12:00:00", 8.8, 2),
    ("user004", "2026-11-16T00:00:00.000Z", 8.0, 4),
    ("user004", "2026-11-19 20:00:00", 8.0, 4),
    ("user005", "2026-11-16 10:00:00", 8.0, 2),
    ("user005", "2026-11-18 10:00:00", 8.0, 2),
    ("user005", "2026-11-20 10:00:00", 8.5, 3),
    ("user006", "2026-11-17T17:00:00.000Z", 8.5, 2),
    ("user006", "2026-11-22T23:59:59.999Z", 7.5, 2),
    ("user007", "2026-11-19 06:30:00", 8.5, 2),
    ("user008", "2026-11-21 21:00:00", 8.0, 2),
]
SESSIONS_OF_THE_WEEK_BEFORE = [
    ("user001", "2026-11-09 08:00:00", 9.0, 1),
    ("user001", "2026-11-11T08:00:00.000Z", 9.1, 1),
    ("user001", "2026-11-12 08:00:00", 9.2, 1),
    ("user003", "2026-11-10 12:00:00", 8.2, 2),
    ("user003", "2026-11-14T12:00:00+00:00", 8.4, 2),
    ("user004", "2026-11-13 20:00:00", 8.0, 3),
    ("user006", "2026-11-12 17:00:00", 8.0, 3),
    ("user008", "2026-11-15T23:59:59.999Z", 7.0, 4),
]
# One student a week before that, so that twelve weeks have something to show.
EARLIER_SESSIONS = [
    ("user007", f"{date(2026, 11, 5) - timedelta(weeks=back)} 06:30:00", 7.0 + back % 3 / 2, 3) for back in range(12)
]

# text, type, category, how often, by how many users
NAMED_MISTAKES = [
    ('Missing article: "working on system"', "grammar", "articles", 15, 8),
    ("Mispronounced: library", "pronunciation", "everyday words", 12, 6),
    ('Basic phrase: "I am working on"', "vocabulary", "basic phrases", 10, 5),
    ('Wrong preposition: "responsible of"', "grammar", "prepositions", 8, 8),
    ("Mispronounced: cache", "pronunciation", "technical terms", 7, 3),
]
OTHER_MISTAKES = [
    *(("Mispronounced: " + word, "pronunciation", "technical terms", 2, 2) for word in ("deploy", "queue", "suite")),
    *((f'Wrong tense: "yesterday I {verb}"', "grammar", "tenses", 2, 1) for verb in ("fix", "merge", "test", "plan")),
    *((f'Missing plural: "three {noun}"', "grammar", "plurals", 2, 2) for noun in ("server", "bug", "ticket", "day")),
    *((f'Basic phrase: "very {word}"', "vocabulary", "basic phrases", 3, 3) for word in ("good", "bad", "big", "fast")),
    *((f'Wrong preposition: "{words}"', "grammar", "prepositions", 5, 2) for words in ("depends of", "arrive to")),
    *((f'Missing article: "{words}"', "grammar", "articles", 5, 5) for words in ("open ticket", "restart service")),
    ("Mispronounced: algorithm", "pronunciation", "technical terms", 6, 5),
    *((f'False friend: "{word}"', "vocabulary", "false friends", 2, 1) for word in ("actual", "eventual", "sensible")),
    *(("Mispronounced: " + word, "pronunciation", "everyday words", 1, 1) for word in ("colleague", "schedule")),
]
MISTAKES_OF_THE_WINDOW_BEFORE = [
    ('Missing article: "working on system"', "grammar", "articles", 10, 5),
    ('Wrong preposition: "responsible of"', "grammar", "prepositions", 16, 4),
]

IT_ERRORS: Rows = [
    {"error_pattern": "working on system", "correct_form": "working on the system", "domain": "technical"},
    {"error_pattern": "responsible of", "correct_form": "responsible for", "domain": "management", "frequency": 4},
    {"error_pattern": "I am working on", "correct_form": "I am leading", "domain": "management", "frequency": 2},
    {"error_pattern": "depends of", "correct_form": "depends on", "domain": "business", "frequency": 3},
]
PRICING_ERRORS: Rows = [
    {"error": "it makes 100 dollars", "category": "money", "domain": "business", "user_id": "user005"},
    {"error": "cheap price", "category": "money", "domain": "business", "user_id": "user006"},
]
LEAD_SCORES: Rows = [
    {"user_id": "user002", "lead_status": "cold", "overall_score": 35.0, "calculated_at": "2026-11-10 03:00:00"},
    {"user_id": "user002", "lead_status": "hot", "overall_score": 91.0, "calculated_at": "2026-11-21T03:00:00.000Z"},
    {"user_id": "user003", "lead_status": "warm", "overall_score": 74.5, "calculated_at": "2026-11-20 03:00:00"},
]
OFFERS: Rows = [
    {"user_id": "user003", "triggered_at": "2026-09-30 11:00:00", "offer_accepted": 0},
    {"user_id": "user005", "triggered_at": "2026-08-03 11:00:00", "offer_accepted": 1},
    {"user_id": "user006", "triggered_at": "2026-08-17T11:00:00.000Z", "offer_accepted": 0},
    {"user_id": "user007", "triggered_at": "2026-09-07 11:00:00", "offer_accepted": None},
    {"user_id": "user008", "triggered_at": "2026-10-05 11:00:00", "offer_sent": 0},
]


def _sessions() -> Rows:
    done = [*SESSIONS_OF_THE_WEEK, *SESSIONS_OF_THE_WEEK_BEFORE, *EARLIER_SESSIONS]
    finished = [
        {
            "session_id": f"session{number:03}",
            "user_id": user_id,
            "started_at": started_at,
            "ended_at": f"{started_at[:10]} 23:59:59",
            "confidence_score": score,
            "error_count": mistakes,
        }
        for number, (user_id, started_at, score, mistakes) in enumerate(done, start=1)
    ]
    broken_off = {
        "session_id": "session999",
        "user_id": "user005",
        "started_at": "2026-11-19 10:00:00",
        "ended_at": None,
        "confidence_score": None,
        "error_count": None,
        "phase": "interaction",
    }
    return [*finished, broken_off]


def _mistakes(named: list[tuple[str, str, str, int, int]], last: date) -> Rows:
    """Each mistake as often as it says, by as many users, over the 30 days that end with ``last``."""
    return [
        {
            "user_id": f"user{copy % by + 1:03}",
            "error_type": error_type,
            "error_category": category,
            "error_text": text,
            "detected_at": f"{last - timedelta(days=(place + 2 * copy) % 30)} {8 + copy % 10:02}:{place:02}:00",
        }
        for place, (text, error_type, category, times, by) in enumerate(named)
        for copy in range(times)
    ]


def _it_errors() -> Rows:
    return [{**row, "user_id": f"user{place:03}"} for place, row in enumerate(IT_ERRORS, start=1)]


WORKED_CASE: dict[str, Any] = {
    "users": USERS,
    "sessions": _sessions(),
    "mistakes": [
        *_mistakes([*NAMED_MISTAKES, *OTHER_MISTAKES], date(2026, 11, 22)),
        *_mistakes(MISTAKES_OF_THE_WINDOW_BEFORE, date(2026, 10, 23)),
    ],
    "it_errors": _it_errors(),
    "pricing_errors": PRICING_ERRORS,
    "lead_scores": LEAD_SCORES,
    "offers": OFFERS,
}
