from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis import post_wordings as words
from lib.analysis.posts import (
    HOOK_LIMIT,
    POST_LIMIT,
    Post,
    PostMistake,
    Publishable,
    check_post,
    compose_series,
    fold,
    post_length,
    publishable,
)
from lib.analysis.spelling import spelling_rule
from lib.catalogue import Mistake, load_catalogue

FINISHES = 'Wrong spelling: "finsishes"'
WORDINGS = {wording.hashtag + wording.hooks[0]: wording for _, wording in (*words.KINDS, ("", words.OTHER))}.values()


def mistake(
    text: str = FINISHES,
    error_type: str = "grammar",
    category: str = "Spelling",
    correct_form: str | None = None,
    users: int = 8,
) -> PostMistake:
    return PostMistake(text, error_type, category, correct_form, frequency=users, users=users)


def of_catalogue(entry: Mistake) -> PostMistake:
    return mistake(entry.text, entry.error_type, entry.error_category)


def draft(given_one: PostMistake) -> Post:
    (post,) = compose_series([given_one])
    return post


def drafts(given_one: PostMistake) -> set[Post]:
    """All hooks and all questions: blanks after the text, which no post shows, are another choice of them."""
    posts = {draft(replace(given_one, text=given_one.text + " " * blanks)) for blanks in range(40)}
    assert len({post.hook for post in posts}) == 5
    assert len({question(post) for post in posts}) == 4
    return posts


def question(post: Post) -> str:
    return paragraphs(post)[-2]


def paragraphs(post: Post) -> list[str]:
    return post.full_text.split("\n\n")


# What may be published


@pytest.mark.parametrize(
    ("users", "reason"),
    [
        (0, "Made by 0 users; 5 are needed, so that nobody can be recognised"),
        (1, "Made by 1 user; 5 are needed, so that nobody can be recognised"),
        (4, "Made by 4 users; 5 are needed, so that nobody can be recognised"),
        (5, ""),
        (600, ""),
    ],
)
def test_a_mistake_is_published_only_when_five_different_users_made_it(users: int, reason: str) -> None:
    assert publishable(FINISHES, users) == Publishable(not reason, reason)


def test_how_many_users_are_needed_is_a_setting() -> None:
    assert publishable(FINISHES, 1, min_users=1).ok
    assert not publishable(FINISHES, 9, min_users=10).ok


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("write to jan.novak@firma.cz", "It contains an e-mail address"),
        ("write to jan@firma", "It contains an e-mail address"),
        ("write to jan＠firma.cz", "It contains an e-mail address"),
        ("@channel please look", "It contains an @ or something that stands for an address"),
        ("jan (at) firma", "It contains an @ or something that stands for an address"),
        ("jan[dot]novak", "It contains an @ or something that stands for an address"),
        ("see https://intranet/x", "It contains a web address"),
        ("see HTTP://INTRANET", "It contains a web address"),
        ("see www.firma", "It contains a web address"),
        ("see example.com/x", "It contains a web address"),
        ("see Example.COM.", "It contains a web address"),
        ("see mail.firma.co.uk", "It contains a web address"),
        ("see firma。com", "It contains a web address"),
        ("see müller.de", "It contains a web address"),
        ("see firma.zone/jobs", "It contains a web address"),
        ("see asp.net/jobs", "It contains a web address"),
        ("I work here since 2019", "It contains a number"),
        ("I have ٣ ideas", "It contains a number"),
        ("I have ３ ideas", "It contains a number"),
        ("I have x² ideas", "It contains a number"),
        ('Wrong word: "<b>bold</b>"', "It contains HTML"),
        ("fish &amp; chips", "It contains HTML"),
        ("fish &commat; chips", "It contains HTML"),
        ("two\nlines", "It contains control characters"),
        ("zero\u200bwidth", "It contains control characters"),
        ("right\u202eto left", "It contains control characters"),
        ("half \ud800", "It contains control characters"),
        ("x" * 201, "It is longer than 200 characters"),
        (" \t ", "It has no text"),
    ],
)
def test_what_could_name_somebody_or_is_no_plain_text_is_not_published(text: str, reason: str) -> None:
    assert publishable(text, 1000) == Publishable(False, reason)


@pytest.mark.parametrize(
    "text",
    [
        FINISHES,
        'Wrong word: "Node.js"',
        "We use ASP.NET, Node.js and C#.",
        "Look at main.py, deploy.sh and README.md",
        "e.g. this one, i.e. that one... and so on",
        'Too direct: "why?"',
        "a < b",
        "Forschung & Entwicklung",
        'Wrong word: "מחשב נייד"',
        "x" * 200,
    ],
)
def test_what_names_nobody_may_be_published(text: str) -> None:
    assert publishable(text, 5) == Publishable(True, "")


def test_the_right_form_must_be_publishable_too() -> None:
    assert publishable(FINISHES, 5, correct_form="finishes").ok
    assert publishable(FINISHES, 5, correct_form="call 112").reason == "It contains a number"


# What a post says


def test_a_post_from_the_catalogue_has_all_its_parts_in_order() -> None:
    post = draft(mistake('Wrong preposition: "responsible of"', "grammar", "Prepositions", users=20))
    hook, forms, rule, examples, question, hashtags = paragraphs(post)
    assert "responsible of" in hook
    assert forms == "Instead of: I am responsible of the database\nSay: I am responsible for the database"
    assert rule.startswith('The rule: "Responsible" takes "for"')
    assert examples == (
        "Two examples:\n• I am responsible for the release process.\n• Who is responsible for this service at night?"
    )
    assert question.endswith("?")
    assert hashtags == "#EnglishForIT #EnglishGrammar #TechLeadership #FluencyLab"
    assert post.needs == ()


def good(post: Post) -> bool:
    text = post.full_text
    assert check_post(text) == []
    assert post.needs == ()
    assert not re.search(r"[.,;:!?]{2}|[.?!]\"[.?!]|\n{3}|  | \n|\n |!", text), text
    assert 3 <= len(re.findall(r"#\w+", paragraphs(post)[-1])) <= 5
    assert len(set(re.findall(r"#\w+", text))) == len(re.findall(r"#\w+", text))
    assert any(part.endswith("?") for part in paragraphs(post)[-3:-1])
    return True


@pytest.mark.parametrize("entry", load_catalogue(), ids=lambda entry: entry.text)
def test_every_mistake_of_the_catalogue_yields_a_finished_post(entry: Mistake) -> None:
    for post in drafts(of_catalogue(entry)):
        assert good(post)
        assert all(part in post.body for part in (entry.wrong, entry.right, entry.rule, entry.example_1))
        assert entry.pattern.strip(".?") in post.hook


@pytest.mark.parametrize(
    ("text", "error_type", "category", "right", "hashtag"),
    [
        (FINISHES, "grammar", "Spelling", "finishes", "#Spelling"),
        ('Wrong phrase: "looking forward for"', "vocabulary", "Phrasing", "looking forward to", "#Vocabulary"),
        ('Basic phrase: "except when"', "vocabulary", "Basic phrases", "unless", "#Communication"),
        ("Mispronounced: tuple", "pronunciation", "Pronunciation", "TUP-ul", "#Pronunciation"),
        ('Wrong verb: "she have"', "grammar", "Verbs", "she has", "#EnglishGrammar"),
        ('False friend: "the chef"', "vocabulary", "False friends", "the boss", "#FalseFriends"),
        ('Too direct: "do it"', "vocabulary", "Tone", "Could you do it?", "#Communication"),
        ('Too direct: "your price is too high"', "pricing", "Tone", "it exceeds our budget", "#Negotiation"),
        ("databsaes", "IT English", "management", "databases", "#Spelling"),
        ("make a deployment", "IT English", "technical", "deploy", "#TechEnglish"),
        ("I has it", "unknown", "uncategorised", "I have it", "#LearnEnglish"),
    ],
)
def test_every_kind_of_mistake_with_a_known_form_yields_a_finished_post(
    text: str, error_type: str, category: str, right: str, hashtag: str
) -> None:
    for post in drafts(mistake(text, error_type, category, right)):
        assert good(post)
        assert hashtag in post.body
        assert right in post.body


def test_the_quoted_fragment_is_the_wrong_form() -> None:
    assert "Wrong: finsishes\nRight: finishes" in draft(mistake(correct_form="finishes")).body


def test_a_text_without_a_label_is_the_wrong_form_as_it_stands() -> None:
    assert "Instead of: I said: go home\n" in draft(mistake("I said: go home", "unknown", "x")).body


@pytest.mark.parametrize("correct_form", [None, "", "  ", "tuple", "Tuple"])
def test_without_a_right_form_the_post_says_what_is_missing(correct_form: str | None) -> None:
    post = draft(mistake("Mispronounced: tuple", "pronunciation", "Pronunciation", correct_form))
    assert post.needs == ("the right form", "two examples")
    assert "Better: [write the right form here]" in post.body
    assert check_post(post.full_text) == [
        "Still to be filled in: [write the right form here], [write the first example here], "
        "[write the second example here]"
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "rule"),
    [
        ("finsishes", "finishes", 'There is one "s" too many.'),
        ("opeational", "operational", 'The "r" is missing.'),
        ("coleagues", "colleagues", 'It takes a double "l".'),
        ("susbcriptions", "subscriptions", 'Two letters have changed places: it is "ubsc", not "usbc".'),
        ("concatonate", "concatenate", 'It is "ten", not "ton".'),
        ("nad", "and", 'Two letters have changed places: it is "and", not "nad".'),
        ("de-actived", "deactivated", "Write the right form slowly once, then let your spell checker remember it."),
    ],
)
def test_a_misspelt_word_is_explained_by_where_it_differs(wrong: str, right: str, rule: str) -> None:
    assert spelling_rule(wrong, right) == rule


@pytest.mark.parametrize(
    ("users", "said"),
    [(20, None), (21, "More than 20 "), (600, "More than 500 "), (605, "More than 600 "), (3036, "More than 3,000 ")],
)
def test_the_number_of_learners_is_rounded_down_and_never_said_of_a_few(users: int, said: str | None) -> None:
    body = draft(mistake(users=users)).body
    assert "our learners" not in body if said is None else said in body


# Wording


def test_the_same_mistake_yields_the_same_post() -> None:
    assert draft(mistake()) == draft(mistake())


def test_the_hooks_of_a_kind_begin_differently_and_leave_room_for_the_mistake() -> None:
    for wording in WORDINGS:
        assert len({" ".join(hook.split()[:2]) for hook in wording.hooks}) == 5
        assert len(set(wording.questions)) == 4
        assert all(question.endswith("?") for question in wording.questions)
        assert all(len(hook.format(wrong="x" * words.SHORT)) <= HOOK_LIMIT for hook in wording.hooks)
    assert len({" ".join(hook.split()[:2]) for hook in words.PLAIN_HOOKS}) == 5


def test_a_mistake_too_long_for_the_first_line_stands_in_the_body_only() -> None:
    long = "I would like to say that the meeting was good and " * 3
    post = draft(mistake(f'Wrong phrase: "{long}"', "vocabulary", "Phrasing", "It was good"))
    assert post.hook in words.PLAIN_HOOKS
    assert long.strip() in post.body


ENTRIES = st.sampled_from(load_catalogue())
SERIES = st.lists(st.one_of(ENTRIES.map(of_catalogue), st.builds(mistake, st.text())), max_size=3)


@given(SERIES)
def test_the_posts_of_a_series_neither_begin_nor_end_alike(mistakes: list[PostMistake]) -> None:
    posts = compose_series(mistakes)
    assert len(posts) == len({post.hook for post in posts}) == len(mistakes)
    questions = {part for post in posts for part in paragraphs(post)[3:] if part.endswith("?") and "•" not in part}
    assert len(questions) == len(mistakes)


@pytest.mark.parametrize("entry", load_catalogue(), ids=lambda entry: entry.text)
def test_even_the_same_mistake_three_times_is_three_different_posts(entry: Mistake) -> None:
    assert len({post.hook for post in compose_series([of_catalogue(entry)] * 3)}) == 3


def test_a_series_says_which_part_a_post_is_and_a_single_post_does_not() -> None:
    posts = compose_series([mistake(FINISHES), mistake("Mispronounced: cache", "pronunciation", "Consonants")])
    assert ["Part 1 of 2 in" in posts[0].body, "Part 2 of 2 in" in posts[1].body] == [True, True]
    assert "Part" not in compose_series([mistake()])[0].body
    assert compose_series([]) == []


def test_a_series_has_at_most_three_posts() -> None:
    with pytest.raises(ValueError, match="at most 3 posts"):
        compose_series([mistake()] * 4)


# Any input

ANY_TEXT = st.one_of(
    st.text(st.characters(), max_size=400),
    st.text('abc.:/@ "<>&;\n\u200b\U0001f600é{}%', max_size=300),
    st.sampled_from([FINISHES, "x" * 5000, '"' * 99, "Mispronounced:", 'Wrong word: ""', "{wrong}", "{0}", "%s"]),
)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.none() | ANY_TEXT, st.integers(), st.integers(1, 3))
def test_any_text_yields_a_post_within_the_limits(
    text: str, error_type: str, category: str, correct_form: str | None, users: int, parts: int
) -> None:
    for post in compose_series([PostMistake(text, error_type, category, correct_form, users, users)] * parts):
        assert 0 < post_length(post.hook) <= HOOK_LIMIT
        assert post.full_text.splitlines()[0] == post.hook
        assert post_length(post.full_text) <= POST_LIMIT
        assert "\n\n\n" not in post.full_text
        post.full_text.encode()


SECRETS = st.sampled_from(
    ["jan.novak@firma.cz", "https://firma.cz/jan", "firma-novak.com", "call 7351", "<i>Novak</i>"]
)


@given(
    SECRETS, ANY_TEXT.filter(lambda text: '"' not in text), st.sampled_from(['Wrong word: "{}"', "{}"]), st.booleans()
)
def test_no_post_shows_an_address_or_a_number_that_a_learner_wrote(
    secret: str, around: str, shape: str, in_right_form: bool
) -> None:
    raw = shape.replace("{}", f"{around} {secret} {around}")
    post = draft(mistake(correct_form=raw) if in_right_form else mistake(raw, correct_form="finishes"))
    assert not re.search(r"novak|firma|7351", post.full_text, re.IGNORECASE)
    assert ("the right form" if in_right_form else "the wrong form") in post.needs


# Checking what a person wrote


def test_a_finished_post_has_no_problems() -> None:
    assert check_post("A hook\n\nA body about Node.js, in 3 parts.\n\n#EnglishForIT") == []


def test_a_post_of_exactly_the_limits_is_fine_and_one_more_is_not() -> None:
    hook = "h" * HOOK_LIMIT
    fits = f"{hook}\n{'x' * (POST_LIMIT - HOOK_LIMIT - 1)}"
    assert check_post(fits) == []
    assert check_post(fits + "x") == ["Too long by 1 character: a post takes at most 3,000"]
    assert check_post("h" + hook) == ["The first line has 141 characters: only the first 140 are sure to be seen"]


def test_an_emoji_counts_as_two_characters() -> None:
    assert post_length("a😀é") == 4
    assert check_post("ok\n" + "😀" * 1500) == ["Too long by 3 characters: a post takes at most 3,000"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Write to ada@example.com.", "It contains an e-mail address: ada@example.com"),
        ("Read\n(www.example.org/x).", "It contains a web address: www.example.org/x"),
        ("Read example.com now", "It contains a web address: example.com"),
        ("Say [write the right form here]", "Still to be filled in: [write the right form here]"),
        (" \n ", "The post is empty"),
    ],
)
def test_what_must_not_stay_in_a_post_is_named(text: str, problem: str) -> None:
    assert check_post(text) == [problem]


@given(st.text(max_size=4000))
def test_any_text_can_be_checked(text: str) -> None:
    assert all(isinstance(problem, str) for problem in check_post(text))


# What is seen of it


@pytest.mark.parametrize(
    ("text", "seen", "rest"),
    [
        ("", "", ""),
        ("One line", "One line", ""),
        ("Hook\n\nWrong\nRight", "Hook\n\nWrong", "Right"),
        ("x" * 141, "x" * 140, "x"),
        ("word " * 27 + "wordword", "word " * 26 + "word", "wordword"),
        ("word " * 27 + "words more", "word " * 27 + "words", "more"),
    ],
)
def test_a_reader_sees_three_lines_or_as_many_whole_words_as_are_sure_to_be_seen(text: str, seen: str, rest: str):
    assert fold(text) == (seen, rest)


@given(text=st.text(alphabet=st.sampled_from("ab \n\u00e4"), max_size=400))
def test_nothing_of_a_post_is_lost_at_the_fold(text: str):
    seen, rest = fold(text)
    assert "".join((seen + rest).split()) == "".join(text.split())
    assert len(seen) <= HOOK_LIMIT
    assert seen.count("\n") < 3
