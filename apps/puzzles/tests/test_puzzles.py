"""Puzzles: hard to make up, quick to check, taken once."""

import time
from functools import partial
from unittest import mock

import pytest
from django.core import signing
from django.db import connection
from django.test import Client, RequestFactory

from apps.limits.tests.clock import let_pass
from apps.policy.models import SitePolicy
from apps.puzzles.puzzle import LIFETIME, PARTS, WAIT_SECONDS, Puzzle
from apps.puzzles.spending import Outcome, spend
from tests.support.concurrency import at_once

REQUEST = RequestFactory().post("/contact/")


def aged(seconds: float, purpose: str = "contact") -> Puzzle:
    """A puzzle that was made so long ago."""
    with mock.patch("django.core.signing.time.time", return_value=time.time() - seconds):
        return Puzzle.new(purpose)


def test_a_solution_fits_its_own_puzzle_alone() -> None:
    puzzle, other = Puzzle.new("contact"), Puzzle.new("contact")
    solution = puzzle.solve()
    assert puzzle.is_solved_by(solution)
    assert not other.is_solved_by(solution)
    assert puzzle.key != other.key


@pytest.mark.parametrize(
    "solution",
    [
        "",
        "0",
        ".".join("0" * (PARTS - 1)),
        "1." * PARTS,
        "x",
        "٣." * 7 + "٣",
        "1" * 10_000,
        "9" * 6 + ".1" * 7,
        "-1" + ".1" * 7,
    ],
)
def test_what_is_no_solution_is_no_error(solution: str) -> None:
    with mock.patch.object(Puzzle, "_fits", return_value=True):
        assert not Puzzle.new("contact").is_solved_by(solution)


def test_a_wrong_solution_costs_the_site_one_hash() -> None:
    puzzle = Puzzle.new("contact")
    right = puzzle.solve().split(".")
    with mock.patch.object(Puzzle, "_fits", autospec=True, return_value=False) as fits:
        assert not puzzle.is_solved_by(".".join(right))
    assert fits.call_count == 1


@pytest.mark.asvs("2.4.1")
def test_a_puzzle_is_of_this_site_for_one_purpose_and_for_half_an_hour() -> None:
    puzzle = Puzzle.new("contact")
    assert Puzzle.read(puzzle.text, "contact") == puzzle
    forged = puzzle.text[:-1] + ("A" if puzzle.text[-1] != "A" else "B")
    for text in (
        forged,
        "",
        "x",
        puzzle.text + "x" * 200,
        signing.dumps("contact.1"),
        "\x00",
        "contact.1:1:1",
    ):
        assert Puzzle.read(text, "contact") is None
    assert Puzzle.read(puzzle.text, "sign-up") is None
    assert Puzzle.read(aged(LIFETIME - 60).text, "contact")
    assert Puzzle.read(aged(LIFETIME + 1).text, "contact") is None


@pytest.mark.django_db
def test_a_puzzle_is_taken_once_but_for_the_same_form() -> None:
    puzzle = Puzzle.new("contact")
    solution = puzzle.solve()
    assert spend(REQUEST, puzzle, solution, what="one form") is Outcome.TAKEN
    assert spend(REQUEST, puzzle, solution, what="another form") is Outcome.USELESS
    again = [spend(REQUEST, puzzle, solution, what="one form") for _ in range(4)]
    assert again == [Outcome.TAKEN, Outcome.TAKEN, Outcome.USELESS, Outcome.USELESS]


@pytest.mark.asvs("2.3.4")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_solved", [True, False], ids=["solved", "waited for"])
def test_of_many_forms_with_one_puzzle_at_once_one_is_taken(is_solved: bool) -> None:
    puzzle = Puzzle.new("contact") if is_solved else aged(WAIT_SECONDS + 1)
    solution = puzzle.solve() if is_solved else ""

    def send(number: int) -> Outcome:
        try:
            return spend(REQUEST, puzzle, solution, what=f"form {number}")
        finally:
            connection.close()

    outcomes = at_once([partial(send, number) for number in range(8)])
    assert outcomes.count(Outcome.TAKEN) == 1


@pytest.mark.django_db
def test_without_a_solution_it_has_to_be_some_seconds_old() -> None:
    for age, outcome in (
        (0, Outcome.TOO_SOON),
        (WAIT_SECONDS - 3, Outcome.TOO_SOON),
        (WAIT_SECONDS + 1, Outcome.TAKEN),
    ):
        assert spend(REQUEST, aged(age), "", what="form") is outcome
    assert spend(REQUEST, aged(WAIT_SECONDS + 1), "1.2.3", what="form") is Outcome.WRONG
    assert spend(REQUEST, None, "", what="form") is Outcome.USELESS


@pytest.mark.django_db
def test_a_network_sends_few_forms_without_solutions_and_any_number_with_them(settings) -> None:
    settings.LIMITS = settings.LIMITS | {"puzzle_wait": "2/1h"}
    elsewhere = RequestFactory().post("/contact/", REMOTE_ADDR="192.0.2.9")

    def without(request=REQUEST) -> Outcome:
        return spend(request, aged(WAIT_SECONDS + 1), "", what="form")

    assert [without() for _ in range(3)] == [Outcome.TAKEN, Outcome.TAKEN, Outcome.TOO_MANY]
    assert without(elsewhere) is Outcome.TAKEN
    puzzle = Puzzle.new("contact")
    assert spend(REQUEST, puzzle, puzzle.solve(), what="form") is Outcome.TAKEN
    let_pass(3600)
    assert without() is Outcome.TAKEN


@pytest.mark.django_db
def test_a_puzzle_that_was_taken_before_does_not_use_up_the_networks_forms(settings) -> None:
    settings.LIMITS = settings.LIMITS | {"puzzle_wait": "2/1h"}
    puzzle = aged(WAIT_SECONDS + 1)
    assert spend(REQUEST, puzzle, "", what="form") is Outcome.TAKEN
    assert [spend(REQUEST, puzzle, "", what=f"form {n}") for n in range(3)] == [Outcome.USELESS] * 3
    assert spend(REQUEST, aged(WAIT_SECONDS + 1), "", what="form") is Outcome.TAKEN


@pytest.mark.django_db
def test_the_pages_with_a_puzzle_are_stored_nowhere_and_others_have_none(client: Client) -> None:
    SitePolicy(proof_of_work=True).save()
    for path in ("/contact/", "/accounts/signup/"):
        one, two = client.get(path), Client().get(path)
        assert "no-store" in one["Cache-Control"]
        assert "private" in one["Cache-Control"]
        texts = [answer.content.decode().partition('name="puzzle"')[2].split('"')[1] for answer in (one, two)]
        assert texts[0] != texts[1]
    assert "puzzle" not in client.get("/about/").content.decode()
    SitePolicy(proof_of_work=False).save()
    for path in ("/contact/", "/accounts/signup/"):
        assert "puzzle" not in client.get(path).content.decode()
