"""A few people on the sample: what they do works, and is counted; how long it takes is no matter here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random

import psutil
import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.load.__main__ import main
from tests.load.people import HABITS, HOME, MOVED, OPENED, Diary, Step, visit
from tests.load.process import Watch
from tests.load.tab import Memory, PageError, Tab
from tests.load.table import lines, verdicts

MOVE, OPENING = Step(MOVED, "Conversion", "Confidence above"), Step(OPENED, "Conversion")


def _beside(work: Callable[[], float]) -> float:
    """Do ``work`` in a thread of its own: in this one, the browser of other tests may have its loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _diary(milliseconds: float, errors: list[str] | None = None) -> Diary:
    return Diary({MOVE: [milliseconds], OPENING: [milliseconds]}, errors or [])


def _watch(*megabytes: float) -> Watch:
    return Watch(psutil.Process(), list(megabytes))


def _big(name: str, fragment: str = "") -> ForwardMsg:
    message = ForwardMsg(hash=name)
    message.metadata.cacheable = True
    message.delta.fragment_id = fragment
    return message


def test_two_people_use_the_app_and_a_bare_page_without_an_error(capsys: pytest.CaptureFixture[str]):
    _beside(lambda: main(["--people", "2", "--seconds", "4", "--pause", "0.02"]))
    printed = capsys.readouterr().out
    rows = {line.split("  ")[0]: line.split() for line in printed.splitlines() if line}
    assert printed.count("p50, ms") == printed.count("p95, ms") == 2
    assert "errors: 0, bare page: 0" in printed
    assert "meets   no errors" in printed
    ours, bare = (
        sum(int(rows[kind][place]) for kind in ("page opened", "filter changed", "slider moved")) for place in (2, 5)
    )
    assert ours >= 4
    assert bare >= 4
    assert all(
        re.search(rf"^{name}: memory [1-9]\d* MB at the start", printed, re.MULTILINE) for name in ("ours", "bare")
    )


def test_a_visit_begins_at_home_and_changes_only_what_is_on_the_open_page():
    for seed in range(50):
        steps = list(visit(Random(seed)))
        assert steps[0] == Step(OPENED, HOME)
        opened = [step.page for step in steps if step.kind == OPENED]
        assert all(one != other for one, other in pairwise(opened))
        for before, step in pairwise(steps):
            assert step.kind == OPENED or (step.page == before.page and step.widget in HABITS[step.page][2])


def test_the_same_seed_makes_the_same_visit():
    assert list(visit(Random("7"))) == list(visit(Random("7"))) != list(visit(Random("8")))


def test_a_reference_gives_the_message_it_refers_to_and_an_unknown_one_is_an_error():
    memory = Memory()
    big = memory.whole(_big("a"))
    assert memory.whole(ForwardMsg(ref_hash="a")) == big
    with pytest.raises(PageError, match="does not have"):
        memory.whole(ForwardMsg(ref_hash="b"))


@pytest.mark.parametrize(("fragments", "kept"), [([], set()), (["one"], {"whole", "two"})])
def test_a_message_not_seen_for_longer_than_the_server_says_is_forgotten_where_it_was_drawn(
    fragments: list[str], kept: set[str]
):
    memory = Memory()
    for name, fragment in (("whole", ""), ("one", "one"), ("two", "two")):
        memory.whole(_big(name, fragment))
    for _ in range(2):
        memory.end_run(2, fragments)
    assert set(memory.kept) == {"whole", "one", "two"}
    memory.end_run(2, fragments)
    assert set(memory.kept) == kept


class Answers:
    """A server that answers every run with the same messages."""

    def __init__(self, *messages: ForwardMsg) -> None:
        self.messages = messages

    async def send(self, _: bytes) -> None:
        self.left = self._encoded()

    async def recv(self, *, decode: bool) -> bytes:
        assert not decode
        return next(self.left)

    def _encoded(self) -> Iterator[bytes]:
        yield from (message.SerializeToString() for message in self.messages)


def _with_exception() -> ForwardMsg:
    message = ForwardMsg()
    message.delta.new_element.exception.type = "KeyError"
    return message


def _with_error_box() -> ForwardMsg:
    message = ForwardMsg()
    message.delta.new_element.alert.body = "The database is away."
    message.delta.new_element.alert.format = message.delta.new_element.alert.ERROR
    return message


@pytest.mark.parametrize(("shown", "said"), [(_with_exception(), "KeyError"), (_with_error_box(), "database is away")])
def test_what_a_page_shows_as_an_error_is_one_after_everything_was_received(shown: ForwardMsg, said: str):
    answers = Answers(shown, ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
    with pytest.raises(PageError, match=said):
        _beside(lambda: asyncio.run(Tab(answers, Random(0)).reload()))
    assert list(answers.left) == []


def test_a_run_that_stops_for_another_one_is_not_the_end():
    ends = (ForwardMsg.FINISHED_EARLY_FOR_RERUN, ForwardMsg.FINISHED_SUCCESSFULLY)
    answers = Answers(*(ForwardMsg(script_finished=end) for end in ends))
    assert _beside(lambda: asyncio.run(Tab(answers, Random(0)).reload())) > 0
    assert list(answers.left) == []


@pytest.mark.parametrize(
    ("ours", "bare", "megabytes", "seconds", "met"),
    [
        (_diary(30), _diary(10), (200, 210, 220), 60, [True, True]),
        (_diary(31), _diary(10), (200, 210, 220), 60, [True, False]),
        (_diary(10, ["a page failed"]), _diary(10), (200, 210, 220), 60, [False, True]),
        (_diary(10), _diary(10, ["the bare page failed"]), (200, 210, 220), 60, [False, True]),
        (_diary(10), _diary(10), (100, 200, 210), 600, [True, True, True]),
        (_diary(10), _diary(10), (100, 200, 211), 600, [True, True, False]),
    ],
)
def test_each_bar_is_met_up_to_its_limit_and_memory_is_judged_after_ten_minutes(
    ours: Diary, bare: Diary, megabytes: tuple[float, ...], seconds: float, met: list[bool]
):
    assert list(verdicts(ours, bare, _watch(*megabytes), seconds).values()) == met


def test_errors_are_counted_and_the_same_ones_are_said_once():
    printed = list(lines(_diary(10, ["no answer", "no answer"]), _diary(10, ["gone"])))
    assert printed[-3:] == ["errors: 2, bare page: 1", "  2 x no answer", "  1 x bare page, gone"]
