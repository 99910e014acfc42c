"""What the posts say, kind by kind. Only words here: ``lib.analysis.posts`` puts them together.

``{wrong}`` is the mistake, short and without its last punctuation mark; ``{right}`` the correct form likewise. A hook
leaves SHORT of its 140 characters to ``{wrong}``. Of each kind there are five hooks and four questions, so that
another number picks another pair.
"""

from __future__ import annotations

from dataclasses import dataclass

SHORT = 60  # characters


@dataclass(frozen=True)
class Wording:
    """One kind of mistake. ``rule`` and ``examples`` stand in where the catalogue has none; they are true of any."""

    hooks: tuple[str, ...]
    questions: tuple[str, ...]
    rule: str
    examples: tuple[str, str]
    hashtag: str
    labels: tuple[str, str] = ("Instead of", "Say")
    rule_label: str = "The rule"
    examples_label: str = "Two ways to make it stick"
    company: str = "have stumbled over this one"


GRAMMAR = Wording(
    hooks=(
        'Do you say "{wrong}"? Many IT people do, and it is easy to fix.',
        'Almost right is the hardest kind of wrong: "{wrong}".',
        'One small grammar fix for your next stand-up: "{wrong}".',
        'We keep hearing "{wrong}" in our coaching sessions.',
        'Your colleagues will understand "{wrong}". A client will notice it.',
    ),
    questions=(
        "Which English rule do you still have to look up?",
        "Have you caught yourself saying it?",
        "What was the last correction that really stuck with you?",
        "Which small English word costs you the most time?",
    ),
    rule="Learn the right version as one piece: it comes to mind faster than any rule.",
    examples=('In your next message, write "{right}".', 'In your next meeting, say "{right}".'),
    hashtag="#EnglishGrammar",
)
PRONUNCIATION = Wording(
    hooks=(
        'How do you say "{wrong}"? Say it aloud before you read on.',
        'You read "{wrong}" every week. When did you last hear it said well?',
        'Be honest: have you ever avoided the word "{wrong}" in a call?',
        'One word that trips up many IT people in calls: "{wrong}".',
        'It looks harmless on the screen. Then you have to say it: "{wrong}".',
    ),
    questions=(
        "How did you say it until today?",
        "Which word do you avoid in calls because you are not sure how to say it?",
        "Which technical word should we do next?",
        "Which word did you know from reading for years before you heard it?",
    ),
    rule="English spelling says little about the sound: listen to the word once in a dictionary, then repeat it aloud.",
    examples=("Slowly, on its own: {right}.", 'As a question to a colleague: How do you say "{wrong}"?'),
    hashtag="#Pronunciation",
    labels=("Often heard", "Better"),
    rule_label="How to remember it",
    examples_label="Two ways to practise it",
)
SPELLING = Wording(
    hooks=(
        'Spot the typo: "{wrong}".',
        'Read this one twice: "{wrong}". Something is off.',
        'A typo in a commit message stays for good. Today\'s guest: "{wrong}".',
        'Would your spell checker have caught "{wrong}"?',
        'This one slips through many a code review: "{wrong}".',
    ),
    questions=(
        "Which word do you still get wrong without a spell checker?",
        "Which typo keeps coming back in your commits?",
        "What is the best typo you have ever seen in production?",
        "Does a spell checker read your code comments?",
    ),
    rule="Let a spell checker read along in your editor, your tickets and your commit messages.",
    examples=('Small typo here: "{wrong}" should be "{right}".', 'Could you change this to "{right}" before we merge?'),
    hashtag="#Spelling",
    labels=("Wrong", "Right"),
    rule_label="What to look for",
    examples_label="How to point it out kindly in a review",
)
UPGRADE = Wording(
    hooks=(
        '"{wrong}" is correct English. There is a stronger way to say it.',
        'What could you say instead of "{wrong}"?',
        'Nobody will ever correct you when you say "{wrong}". That is the trap.',
        'One small upgrade for your next meeting: replace "{wrong}".',
        'Still using "{wrong}" at work? You can do better.',
    ),
    questions=(
        "Which phrase would you like to upgrade next?",
        "What do you say in your team instead?",
        "Which phrase do you hear in every single meeting?",
        "Which phrase have you banned from your own status updates?",
    ),
    rule="The fewer and the plainer the words, the more confident they sound.",
    examples=(
        'In a review: I would write "{right}" here instead of "{wrong}".',
        'In your own draft: search for "{wrong}" and try "{right}".',
    ),
    hashtag="#Communication",
    rule_label="Why",
    examples_label="Two ways to use it today",
    company="use this one as well",
)
FALSE_FRIEND = Wording(
    hooks=(
        '"{wrong}" may not mean what you think it means.',
        'A false friend at work: "{wrong}".',
        'What does your client hear when you say "{wrong}"?',
        'It looks familiar, and it misleads: "{wrong}".',
        'Careful with "{wrong}" in your next call.',
    ),
    questions=(
        "Which false friend has caught you out?",
        "Which word from your own language has misled you in English?",
        "Has a false friend ever caused a misunderstanding in your team?",
        "Which false friend should we do next?",
    ),
    rule="The words look alike but mean different things: learn the English one in a sentence of your own.",
    examples=('Small wording note: I think you mean "{right}".', 'In your next message, write "{right}".'),
    hashtag="#FalseFriends",
    labels=("Not", "But"),
    rule_label="Why",
)
WORDS = Wording(
    hooks=(
        'Close, but not quite: "{wrong}".',
        'What is wrong with "{wrong}"?',
        'Would you have noticed it? "{wrong}" is not what we say.',
        'We keep coming across "{wrong}". There is a better way to say it.',
        'Easy to say, and easy to get wrong: "{wrong}".',
    ),
    questions=(
        "Which expression did you get wrong for years before somebody told you?",
        "Which English expression do you have to look up every time?",
        "Do you correct a colleague's English when they ask you to review a text?",
        "Which pair of words do you still mix up?",
    ),
    rule="Some expressions have no rule behind them: learn each as a whole, in a sentence of your own.",
    examples=('Did you mean "{right}"?', 'Small wording note: I would write "{right}" here.'),
    hashtag="#Vocabulary",
    rule_label="How to remember it",
    examples_label="How to point it out kindly",
)
TONE = Wording(
    hooks=(
        'You mean well. How does "{wrong}" sound to your client?',
        'Think twice before you say "{wrong}" to a client.',
        'Small words, big effect: what happens when you say "{wrong}".',
        'It is not only what you say, but how it lands: "{wrong}".',
        'Would you say "{wrong}" in front of the board?',
    ),
    questions=(
        "How do you disagree politely in your team?",
        "Which phrase sounds ruder in English than in your own language?",
        "How direct is too direct in your company?",
        "Which phrase do you use to soften a difficult message?",
    ),
    rule="The right tone often takes a few more words: a question or a softer verb does the work.",
    examples=('Before you send your next message, try "{right}".', 'In your next meeting, say "{right}".'),
    hashtag="#Communication",
    rule_label="Why",
    examples_label="Two ways to practise it",
    company="have said this one too",
)
PRICING = Wording(
    hooks=(
        'Talking about money is hard in any language. Watch out for "{wrong}".',
        'In a price talk every word counts. This one costs you: "{wrong}".',
        'Before your next negotiation, have a look at "{wrong}".',
        'Would you say "{wrong}" when you talk about a price?',
        'One phrase to fix before you talk about money again: "{wrong}".',
    ),
    questions=(
        "Which part of a price talk do you find hardest in English?",
        "How do you tell a client that a price is final?",
        "What helps you to stay calm when you talk about money?",
        "Which phrase has saved a negotiation for you?",
    ),
    rule="When money is on the table, plain and exact phrases keep the talk calm and the terms clear.",
    examples=('Before the call, say it aloud: "{right}".', 'In your next offer, write "{right}".'),
    hashtag="#Negotiation",
    rule_label="Why it matters",
    examples_label="Two ways to practise it",
)
IT_ENGLISH = Wording(
    hooks=(
        'Tech talk check: would you say "{wrong}"?',
        'We keep hearing "{wrong}" when IT people talk about their work.',
        'One fix for your next technical discussion: "{wrong}".',
        'Your code compiles. Does your English? "{wrong}"',
        'Not a bug, but worth a fix: "{wrong}".',
    ),
    questions=(
        "Which technical phrase do you find hardest to get right in English?",
        "What do you say in your team?",
        "Which phrase should we do next?",
        "Where did you learn your technical English?",
    ),
    rule="Technical English is full of fixed phrases: learn this one as one piece.",
    examples=('In your next ticket, write "{right}".', 'In your next meeting, say "{right}".'),
    hashtag="#TechEnglish",
    rule_label="How to remember it",
)
OTHER = Wording(
    hooks=(
        'One small English fix for today: "{wrong}".',
        'Close, but not quite: "{wrong}".',
        'Would you have noticed it? "{wrong}"',
        'We keep coming across "{wrong}" in our coaching sessions.',
        'Have a second look at "{wrong}".',
    ),
    questions=(
        "Have you caught yourself saying it?",
        "Which English mistake took you longest to get rid of?",
        "What was the last correction that really stuck with you?",
        "Which mistake should we do next?",
    ),
    rule="Learn the right version as one piece, and use it once today.",
    examples=('In your next message, write "{right}".', 'In your next meeting, say "{right}".'),
    hashtag="#LearnEnglish",
    rule_label="How to remember it",
)

# The first whose word stands in the type, the category or the label of a mistake; OTHER where none does.
KINDS: tuple[tuple[str, Wording], ...] = (
    ("pricing", PRICING),
    ("pronunciation", PRONUNCIATION),
    ("mispronounced", PRONUNCIATION),
    ("spelling", SPELLING),
    ("basic phrase", UPGRADE),
    ("false friend", FALSE_FRIEND),
    ("tone", TONE),
    ("too direct", TONE),
    ("grammar", GRAMMAR),
    ("vocabulary", WORDS),
    ("it english", IT_ENGLISH),
)
# For a mistake that is too long for the first line, or that must not be shown.
PLAIN_HOOKS = (
    "One small English fix for your next meeting.",
    "Almost right is the hardest kind of wrong.",
    "Would you have noticed this mistake?",
    "We keep coming across this one in our coaching sessions.",
    "Here is one that most readers miss at first sight.",
)
