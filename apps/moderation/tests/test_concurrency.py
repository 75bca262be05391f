"""Suspending and hiding while others read and write: nothing withheld is read after the response."""

import os
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.commandqueue.tests.conftest import wait_for
from apps.kwips import actions as kwips
from apps.kwips.models import Kwip
from apps.moderation import actions, cases
from apps.moderation.models import Action, Case, Reason, What
from tests.support.concurrency import at_once
from tests.support.http import request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 20 if os.environ.get("TORTURE") else 1
READERS = 8
WRITERS = 8


def in_threads(functions: list[Callable[[], None]]) -> list[threading.Thread]:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("what", [What.SUSPEND, What.HIDE])
def test_nothing_withheld_is_read_after_the_response(
    ann: User, mod: User, memcached: str, publish: Callable[..., Kwip], what: What
) -> None:
    with served(memcached=memcached, patient=True) as port:
        for number in range(ROUNDS):
            person = User.objects.create_user(f"eve{number}", f"eve{number}@example.org")
            kwip = publish(person, f"canary{number} #tea")
            actions.report(thing=cases.of_kwip(kwip), reporter=ann, reason=Reason.SPAM, words="")
            _run(port, what, person, mod, kwip)


def _run(port: int, what: What, person: User, mod: User, kwip: Kwip) -> None:
    """Readers note when each request began; those that began after the response must not see the canary."""
    paths = ["/", "/everyone/", "/tag/tea/", "/everyone/feed.atom", f"/{person.username}/kwip/{kwip.pk}/"]
    over, reads, failures = threading.Event(), list[tuple[float, bool]](), list[BaseException]()

    def read() -> None:
        turn = 0
        while not over.is_set() or turn % len(paths):
            began = time.monotonic()
            page = request(port, paths[turn % len(paths)])
            reads.append((began, kwip.text.split()[0] in page.text))
            turn += 1

    def write() -> None:
        try:
            while not over.is_set():
                kwips.publish(author=person, text=f"{kwip.text} again", form_key=uuid.uuid4())
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    writers = [write] * WRITERS if what == What.SUSPEND else []
    threads = in_threads([read] * READERS + writers)
    wait_for(lambda: any(seen for _, seen in list(reads)))
    case = Case.objects.get(person=person)
    actions.act(what=what, person=person, by=mod, reason=Reason.SPAM, case=case)
    done = time.monotonic()
    enough = len(reads) + 3 * READERS * len(paths)
    wait_for(lambda: len(reads) >= enough)
    over.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert sum(seen for began, seen in reads if began > done) == 0
    assert sum(began > done for began, _ in reads) >= READERS * len(paths)
    if what == What.SUSPEND:
        assert not Kwip.objects.filter(author=person, withheld=0).exists()


def test_moderators_who_act_at_once_act_once(ann: User, mod: User, other_mod: User) -> None:
    def act(by: User) -> bool:
        try:
            actions.act(what=What.SUSPEND, person=ann, by=by, reason=Reason.SPAM)
        except actions.NothingToDo:
            return False
        return True

    assert sorted(at_once([lambda: act(mod), lambda: act(other_mod)])) == [False, True]
    assert Action.objects.count() == 1


def test_reports_at_once_are_one_case(ann: User, publish: Callable[..., Kwip]) -> None:
    thing = cases.of_kwip(publish(ann))
    people = [User.objects.create_user(f"user{number}", f"{number}@example.org") for number in range(8)]

    def report(by: User) -> bool:
        return actions.report(thing=thing, reporter=by, reason=Reason.SPAM, words="")

    assert all(at_once([partial(report, by) for by in people]))
    assert Case.objects.get().reports.count() == 8
