"""LinkedIn posts about mistakes: which may be published, and a draft that a person then edits."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib.analysis import post_wordings as words
from lib.analysis.corrections import catalogue_entry
from lib.analysis.post_wordings import Wording
from lib.analysis.publishing import address, unpublishable
from lib.analysis.spelling import is_typo, spelling_rule
from lib.catalogue import Mistake

HOOK_LIMIT = 140
POST_LIMIT = 3000
SERIES_LIMIT = 3
SEEN_LINES = 3  # before "see more"
RIGHT_FORM, EXAMPLES, WRONG_FORM = "the right form", "two examples", "the wrong form"
EXAMPLE_LINES = ("[write the first example here]", "[write the second example here]")

_SEEN = re.compile(rf".{{0,{HOOK_LIMIT}}}(?!\S)|.{{{HOOK_LIMIT}}}", re.DOTALL)
_PLACEHOLDER = re.compile(r"\[write the [a-z ]+ here\]", re.IGNORECASE)
_LABELLED = re.compile(r'[^":]{1,40}:\s*(?P<quote>["“«])(?P<quoted>.+)["”»]|mispronounced:(?P<word>.+)', re.IGNORECASE)
_AUDIENCE = {"technical": "#SoftwareEngineering", "management": "#TechLeadership", "business": "#BusinessEnglish"}


@dataclass(frozen=True)
class Publishable:
    """Whether a mistake may be published; ``reason`` says why not, and is empty when it may."""

    ok: bool
    reason: str


@dataclass(frozen=True)
class PostMistake:
    """A mistake as it is counted: ``frequency`` times, by ``users`` different users."""

    text: str
    error_type: str
    error_category: str
    correct_form: str | None
    frequency: int
    users: int


@dataclass(frozen=True)
class Post:
    """A draft. ``needs`` names what a person has still to write; a placeholder in brackets stands in its place."""

    hook: str
    body: str
    needs: tuple[str, ...] = ()

    @property
    def full_text(self) -> str:
        return f"{self.hook}\n\n{self.body}"


@dataclass(frozen=True)
class _Content:
    """What a post says; None stands for what nobody knows, or may see. ``short`` is for the hook, empty if too long."""

    wording: Wording
    short: str
    wrong: str | None
    right: str | None
    rule: str
    labels: tuple[str, str]
    audience: str
    examples: tuple[str, str] | None
    examples_label: str = "Two examples"


def post_length(text: str) -> int:
    """Characters as UTF-16 code units: an emoji is two.

    LinkedIn does not say how it counts. This count is never below that of code points, so the limit holds either way.
    """
    return len(text) + sum(character > "\uffff" for character in text)


def publishable(text: str, users: int, *, correct_form: str | None = None, min_users: int = 5) -> Publishable:
    """Whether a mistake that ``users`` different users made may be shown to the world."""
    if users < min_users:
        made_by = f"Made by {users} user{'s'[: users != 1]}"
        need = f"{min_users} {'is' if min_users == 1 else 'are'} needed, so that nobody can be recognised"
        return Publishable(False, f"{made_by}; {need}")
    reason = unpublishable(text) or (correct_form and unpublishable(correct_form))
    return Publishable(not reason, reason or "")


def compose_series(mistakes: Sequence[PostMistake]) -> list[Post]:
    """Up to three drafts that neither begin nor end alike, the same ones for the same mistakes.

    Raises ValueError for more.
    """
    if len(mistakes) > SERIES_LIMIT:
        raise ValueError(f"a series has at most {SERIES_LIMIT} posts")
    posts: list[Post] = []
    used: set[str] = set()
    for part, mistake in enumerate(mistakes, start=1):
        note = f"Part {part} of {len(mistakes)} in our short series on English for IT." if len(mistakes) > 1 else ""
        content = _content(mistake)
        first = zlib.crc32(mistake.text.encode("utf-8", "surrogatepass"))
        numbers = range(first, first + 20)  # five hooks by four questions
        number = next(at for at in numbers if used.isdisjoint(_ends(content, at)))
        used.update(_ends(content, number))
        posts.append(_compose(content, number, users=mistake.users, note=note))
    return posts


def fold(text: str) -> tuple[str, str]:
    """What a reader sees of a post, and what comes after "see more"; whole words, where there are any."""
    text = text.strip()
    seen = _SEEN.match("\n".join(text.split("\n")[:SEEN_LINES]))
    end = seen.end() if seen else 0
    return text[:end].rstrip(), text[end:].strip()


def check_post(text: str) -> list[str]:
    """What is wrong with an edited post, in plain English; empty when it is fine."""
    text = text.strip()
    over, first = post_length(text) - POST_LIMIT, post_length(text.split("\n", 1)[0])
    found = address(unicodedata.normalize("NFKC", text))
    left = _PLACEHOLDER.findall(text)
    long_first = f"The first line has {first:,} characters: only the first {HOOK_LIMIT} are sure to be seen"
    problems = (
        (not text, "The post is empty"),
        (over > 0, f"Too long by {over:,} character{'s'[: over != 1]}: a post takes at most {POST_LIMIT:,}"),
        (first > HOOK_LIMIT, long_first),
        (found is not None, f"It contains {': '.join(found or ())}"),
        (bool(left), f"Still to be filled in: {', '.join(left)}"),
    )
    return [sentence for wrong, sentence in problems if wrong]


def _compose(content: _Content, number: int, *, users: int, note: str = "") -> Post:
    wording = content.wording
    wrong, right = (content.wrong or f"[write {WRONG_FORM} here]", content.right or f"[write {RIGHT_FORM} here]")
    paragraphs = (
        f"{content.labels[0]}: {wrong}\n{content.labels[1]}: {right}",
        f"{wording.rule_label}: {content.rule}",
        "\n• ".join((f"{content.examples_label}:", *(content.examples or EXAMPLE_LINES))),
        _company(wording, users),
        wording.questions[number % len(wording.questions)],
        note,
        f"#EnglishForIT {wording.hashtag} {content.audience} #FluencyLab",
    )
    missing = ((WRONG_FORM, content.wrong), (RIGHT_FORM, content.right), (EXAMPLES, content.examples))
    hook, body = _hook_template(content, number).format(wrong=content.short), "\n\n".join(filter(None, paragraphs))
    return Post(hook, body, tuple(name for name, there in missing if there is None))


def _hook_template(content: _Content, number: int) -> str:
    hooks = content.wording.hooks if content.short else words.PLAIN_HOOKS
    return hooks[number % len(hooks)]


def _ends(content: _Content, number: int) -> tuple[str, str]:
    """What a reader remembers a post by: how it begins, and its question."""
    beginning = " ".join(_hook_template(content, number).split()[:2])
    return beginning, content.wording.questions[number % len(content.wording.questions)]


def _company(wording: Wording, users: int) -> str:
    """How many share the mistake, rounded down to one digit; nothing for 20 or fewer."""
    step = 10 ** (len(str(users - 1)) - 1)
    if users <= 20:
        return ""
    return f"More than {(users - 1) // step * step:,} of our learners {wording.company}, so you are in good company."


def _content(mistake: PostMistake) -> _Content:
    entry = catalogue_entry(mistake.text, mistake.error_type)
    return _from_database(mistake) if entry is None else _from_catalogue(entry)


def _from_catalogue(entry: Mistake) -> _Content:
    wording = _wording(entry.error_type, entry.error_category, entry.text)
    return _Content(
        wording=wording,
        short=_short(entry.pattern),
        wrong=entry.wrong,
        right=entry.right,
        rule=entry.rule,
        labels=wording.labels,
        audience=_AUDIENCE.get(entry.domain, "#BusinessEnglish"),
        examples=(entry.example_1, entry.example_2),
    )


def _from_database(mistake: PostMistake) -> _Content:
    wording = _wording(mistake.error_type, mistake.error_category, mistake.text)
    wrong, right = _shown(_fragment(mistake.text)), _shown(mistake.correct_form or "")
    if (
        wrong
        and right
        and (wrong == right or (wording is words.PRONUNCIATION and right.casefold() in wrong.casefold()))
    ):
        right = None  # the word itself does not say how it is said
    known = _Content(
        wording=wording,
        short=_short(wrong or ""),
        wrong=wrong,
        right=right,
        rule=wording.rule,
        labels=_labels(wording),
        audience=_AUDIENCE.get(mistake.error_category, "#BusinessEnglish"),
        examples=None,
    )
    return _with_examples(known, wrong, right) if wrong and right else known


def _with_examples(content: _Content, wrong: str, right: str) -> _Content:
    """Examples that suit any mistake of the kind; a misspelt word is shown as such, wherever it was written down."""
    wording, rule = content.wording, content.rule
    if wording is words.SPELLING or (wording is words.IT_ENGLISH and is_typo(wrong, right)):
        wording, rule = words.SPELLING, spelling_rule(wrong, right)
    first, second = (line.format(wrong=_bare(wrong), right=_bare(right)) for line in wording.examples)
    label = wording.examples_label
    return replace(
        content, wording=wording, rule=rule, labels=_labels(wording), examples=(first, second), examples_label=label
    )


def _labels(wording: Wording) -> tuple[str, str]:
    return ("The word", wording.labels[1]) if wording is words.PRONUNCIATION else wording.labels


def _wording(error_type: str, error_category: str, text: str) -> Wording:
    """The kind of mistake; of the text only what stands before the colon counts."""
    said = f"{error_type} {error_category} {text[:60].partition(':')[0] if ':' in text[:60] else ''}".casefold()
    return next((wording for word, wording in words.KINDS if word in said), words.OTHER)


def _fragment(text: str) -> str:
    """The mistake itself: ``finsishes`` of ``Wrong spelling: "finsishes"``; the whole text where it has no label."""
    text = " ".join(text.split())
    found = _LABELLED.match(text)
    return ((found["quoted"] or found["word"]) if found else text).strip().replace('"', "'")


def _shown(text: str) -> str | None:
    text = " ".join(text.split())
    return None if unpublishable(text) else text


def _short(text: str) -> str:
    bare = _bare(text)
    return bare if post_length(bare) <= words.SHORT else ""


def _bare(text: str) -> str:
    """``text`` as it stands inside a sentence of ours, which brings its own punctuation."""
    return text.strip(" .,;:!?…")
