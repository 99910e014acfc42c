"""What the columns are called and how the figures are counted, in the words of the people who use them.

The pages and the files say the same, because both take it from here.
"""

from __future__ import annotations

from lib.analysis.streaks import Streak
from lib.exports import Column

FIGURES = {
    "users": Column("Users", "integer", help="Different users with at least one session in the window."),
    "sessions": Column("Sessions", "integer", help="Sessions that started in the window."),
    "avg_confidence": Column("Confidence", "decimal", help="Average confidence score, 1 to 10, where there is one."),
    "avg_mistakes": Column("Mistakes a session", "decimal", help="Average number of mistakes a session."),
    "sessions_per_user": Column("Sessions a user", "decimal", help="Sessions divided by users."),
}


def engagement_columns(group: str, label: str) -> dict[str, Column]:
    """Each figure with the change against the window before, and that window's figure for the files."""
    columns = {group: Column(label, "text")}
    for name, column in FIGURES.items():
        columns[name] = column
        columns[f"{name}_change"] = Column(
            f"{column.label}, change", column.kind, help="Against the window of the same length before.", is_change=True
        )
    return columns


WEEKLY_COLUMNS = {
    "week": Column("Week from", "date", help="Weeks begin on Monday."),
    "group": Column("Role", "text"),
    "sessions": Column("Sessions", "integer"),
    "users": Column("Users", "integer"),
    "avg_confidence": Column("Confidence", "decimal"),
    "is_over": Column("Week is over", "boolean"),
}

ENGAGEMENT = """
- A session belongs to the window by its start, a calendar day in the reporting zone.
- Counted are sessions that were **finished** (they have an end), unless the switch counts all that started.
- **Users** are different people; a session without a user counts as a session only.
- **Confidence** is the average over sessions that have a score, **Mistakes a session** over those that have a number.
- **±** is the change against the window of the same length right before.
- *unknown*: sessions whose user is gone or has no role. Roles that are not in the list follow the four known ones.
"""
WEEKLY = """
- Sessions by the week in which they started; weeks begin on Monday in the reporting zone.
- The last 12 weeks up to the as-of day. The running week is **not over**: its point is hollow and its line dashed.
- Finished sessions only, unless the switch counts all that started.
"""
LEVELS = """
- The level is the one that the user has today. *unknown*: no level, or the user is gone.
- Confidence is the average score, 1 to 10, over sessions that have one.
- The small mark is the window of the same length right before.
"""

MISTAKE_COLUMNS = {
    "rank": Column("No.", "integer"),
    "mistake": Column("Mistake", "text", help="As the product wrote it down."),
    "correct_form": Column("Right form", "text", help="The most frequent correction among those that fit the text."),
    "frequency": Column("Count", "integer", help="How often it was made in the window."),
    "percent": Column("Share", "percent", help="Of all mistakes in the window and filters, not of those shown."),
    "trend": Column("Trend", "text", help="Against the window of the same length before; new: not made then."),
    "users": Column("Users", "integer", help="Different users who made it."),
    "per_100_sessions": Column("Per 100 sessions", "decimal", help="Of all sessions that started in the window."),
    "error_type": Column("Type", "text"),
    "error_category": Column("Category", "text"),
    "post": Column("Can be published", "text", help="yes, or the reason why not."),
    "frequency_before": Column("Count before", "integer", help="In the window of the same length before."),
}
# On the page rows need no numbers, and whether a mistake makes a post stands where it is seen.
MISTAKE_LIST_COLUMNS = {
    "mistake": MISTAKE_COLUMNS["mistake"],
    "correct_form": MISTAKE_COLUMNS["correct_form"],
    "publishable": Column("Fit to post", "boolean", help="Whether it can be published; the last column says why not."),
    **{name: column for name, column in MISTAKE_COLUMNS.items() if name not in ("rank", "mistake", "correct_form")},
}
CELL_COLUMNS = {
    "error_category": Column("Category", "text"),
    "value": Column("Group", "text"),
    "frequency": Column("Count", "integer"),
}
VIEWS = {"type": "Type", "level": "English level", "week": "Week", "domain": "Domain"}
STEPS = "From (* cut short by the window)"

MISTAKES = """
- One mistake is the same type, category and text. Entries without a text are left out; their number is said.
- **Count**: how often it was made in the window. IT English counts as often as its own frequency column says.
- **Share**: of all mistakes in the window and filters, not of those shown. Ties go by text, type, category.
- **Trend**: against the window of the same length right before. **Users**: different people.
- **Per 100 sessions**: of all sessions that started in the window, finished or not.
- **Right form**: the most frequent correction among the IT English patterns that stand in the text; if there is none,
  the one in our own catalogue.
- **Can be published**: at least 5 different users made it, and it holds no e-mail address, web address or number.
"""
HEATMAP = """
- Every mistake in the window and filters, by category and by what stands above the columns.
- *Level* is the user's level today. *Week* runs from Monday, and is a month where the window is long; the
  first and last may be cut by the window.
- *Domain* is written down for IT English and pricing mistakes alone.
- A click on a cell narrows the list; a second click on it brings the list back. *Show only* does the same by keyboard.
"""

OFFER_STATUS = Column("Offer status", "text", help="Whether an offer may go to this user.")
CANDIDATE_COLUMNS = {
    "user_id": Column("User", "text"),
    "email": Column("E-mail", "text"),
    "english_level": Column("Level", "text"),
    "sessions": Column("Sessions", "integer", help="Sessions of the run that earned it."),
    "avg_score": Column("Average score", "decimal", help="Average confidence score of those sessions, 1 to 10."),
    "last_session_at": Column("Last session", "datetime", help="The newest session of the run."),
    "lead_score": Column("Lead score", "decimal", help="The newest one."),
    "lead_status": Column("Lead status", "text"),
    "offered_at": Column("Last offer", "datetime"),
    "outcome": Column("Outcome", "text", help="What became of the last offer."),
    "offer_status": OFFER_STATUS,
    "recommendation": Column("Recommendation", "text"),
}
SETTING_COLUMNS = {
    "min_confidence": Column("Confidence above", "decimal", places=1),
    "min_sessions": Column("Sessions at least", "integer"),
    "candidates": Column("To offer", "integer", help="Candidates who may be offered."),
    "revenue": Column("Revenue potential", "money", help="Candidates who may be offered, times the price."),
}
CHANGE_COLUMNS = {
    "change": Column("Change", "text"),
    "user_id": Column("User", "text"),
    "email": Column("E-mail", "text"),
    "english_level": Column("Level", "text"),
    "sessions": Column("Sessions now", "integer"),
    "avg_score": Column("Average now", "decimal"),
    "default_sessions": Column("Sessions, defaults", "integer"),
    "default_avg_score": Column("Average, defaults", "decimal"),
    "offer_status": OFFER_STATUS,
}
NEAR_COLUMNS = {
    "kind": Column("Kind", "text"),
    "user_id": Column("User", "text"),
    "email": Column("E-mail", "text"),
    "english_level": Column("Level", "text"),
    "sessions": Column("Sessions", "integer"),
    "avg_score": Column("Average score", "decimal"),
    "what_is_missing": Column("What is missing", "text"),
    "offer_status": OFFER_STATUS,
}
WHY_COLUMNS = {
    "started_at": Column("Session", "datetime"),
    "confidence_score": Column("Score", "decimal", places=1),
    "in_run": Column("Counts", "boolean"),
    "why": Column("Why", "text"),
}
STREAK_LABELS: dict[Streak, str] = {"current": "Latest", "best": "Longest", "any": "Any"}

CANDIDATES = """
- Looked at: users whose role is **free**, and their sessions in the window that have a confidence score.
- A session qualifies when its score is **above** the threshold; equal is not enough.
- Sessions in a row, **latest**: the unbroken run that ends with the newest one; **longest**: the longest run in the
  window; **any**: all that qualify, in a row or not.
- A candidate has at least the minimum number of such sessions.
- Order: average score falling, sessions falling, user.
- **Offer status** says who of them **may be offered** now: not those who have accepted an offer (the date is that of
  the offer), who have no e-mail address, or whose last offer is so new that they have to wait.
- An offer without an answer is open for as long as it is valid, and has lapsed after that.
- **Revenue potential** is the candidates who may be offered times the price, which is what the customer pays, after the
  discount. **Expected revenue** is that times the share of past offers that were accepted, with the 95 % interval of
  that share (Wilson). Offers that are still open are not among them.
- The figures are compared with the defaults of all five settings, the window among them.
"""
WHAT_IF = """
- Each cell: candidates who may be offered, and their revenue potential, if the thresholds stood there.
- The way of counting, the window and the price are those set on the left. The outlined cell is the present setting; a
  click on a cell sets the sliders.
- The line shows every score from 5.0 to 9.9 at the present minimum of sessions.
"""
IN_AND_OUT = """
- Candidates under the present settings against candidates under the defaults, each in its own window.
- The revenue potential is the difference between both, each at its own price, of those who may be offered: that of the
  card above.
"""
NEAR_MISSES = """
- **One session short**: one more session above the score makes a candidate.
- **Score just missed**: would be a candidate if one session, at most 0.3 too low, had been above the score.
- **Drops out soon**: its window is about to close; a candidate now, but not in three days without a new session.
"""
WHY = """
- The rules in their order up to the first that fails, and each scored session of the window with what it does to the
  run.
"""
