"""Each step of the tour names a line in its place, and a mutation of it: `make mutate ARGS=--tour`."""

import re
from collections import Counter

import pytest

from tests.support import mutate, tour
from tests.support.tour import Step

STEPS = tour.steps()


def test_each_part_has_five_steps_and_no_step_is_left_out() -> None:
    text = tour.TOUR.read_text()
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(parts) == 6
    assert Counter(step.part for step in STEPS) == dict.fromkeys(parts, 5)
    assert [step.number for step in STEPS] == [1, 2, 3, 4, 5] * 6
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == len(STEPS)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.part} {step.number}")
def test_the_line_of_a_step_is_in_its_symbol_and_a_mutation_removes_it(step: Step) -> None:
    assert step.symbol or step.file.endswith(".sql")
    assert step.is_in_place()
    assert step.mutation() is not None


def test_the_mutations_of_the_tour_can_be_tried_by_themselves() -> None:
    wanted = mutate.chosen(["--tour"])
    assert [mutation.name for mutation in wanted] == [
        mutation.name for step in STEPS if (mutation := step.mutation())
    ]
    assert len({mutation.name for mutation in wanted}) == len(STEPS)


@pytest.mark.parametrize(
    "changed",
    [
        {"line": "return True"},
        {"symbol": "PageCache._render"},
        {"symbol": "PageCache.missing"},
        {"test": "apps/pagecache/tests/test_purging.py::test_another"},
    ],
    ids=str,
)
def test_a_step_that_is_wrong_is_noticed(changed: dict[str, str]) -> None:
    [right] = [step for step in STEPS if step.symbol == "PageCache._key"]
    wrong = Step(**{**vars(right), **changed})
    assert not (wrong.is_in_place() and wrong.mutation())
