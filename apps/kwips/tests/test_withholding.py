"""The kwips of a switched-off person are withheld: the newest at once, the rest by a command."""

import threading
import uuid
from collections.abc import Callable

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.test import Client

from apps.accounts.actions import switch_off, switch_on
from apps.accounts.models import User
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.tests.conftest import wait_for
from apps.kwips import actions, queries, withholding
from apps.kwips.models import Kwip, Withheld
from apps.kwips.visibility import VisibleTo
from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of

pytestmark = pytest.mark.django_db(transaction=True)

type Publish = Callable[..., Kwip]

MODERATED = 2  # the bit of a future reason


@pytest.fixture
def written(ann: User, bob: User, publish: Publish, comment: Publish, monkeypatch) -> list[Kwip]:
    """Seven kwips and four comments by ann, the oldest first; two of each are withheld at once."""
    monkeypatch.setattr(withholding, "AT_ONCE", 2)
    monkeypatch.setattr(withholding, "BATCH", 2)
    his = publish(bob)
    kwips = [publish(ann, f"#tea {number}") for number in range(7)]
    return kwips + [comment(ann, his) for _ in range(4)]


def seen() -> set[int]:
    return set(Kwip.objects.filter(VisibleTo(None), author__username="ann").values_list("pk", flat=True))


def ids(kwips: list[Kwip]) -> set[int]:
    return {kwip.pk for kwip in kwips}


def test_the_newest_are_withheld_with_the_switch_and_the_rest_by_the_command(
    ann: User, written: list[Kwip]
) -> None:
    switch_off(people=[ann], by=None)
    assert seen() == ids(written[:5] + written[7:9])
    Worker(once=True).run()
    assert seen() == set()
    switch_on(people=[ann], by=None)
    assert seen() == ids(written[5:7] + written[9:])
    Worker(once=True).run()
    assert seen() == ids(written)


def test_until_the_command_has_run_an_old_kwip_has_no_page_and_cannot_be_acted_on(
    ann: User, bob: User, written: list[Kwip], comment: Publish
) -> None:
    below = comment(bob, written[0])
    switch_off(people=[ann], by=None)
    assert written[0].pk in seen(), "it is not withheld yet"
    client = Client()
    client.force_login(bob)
    for address in (f"/ann/kwip/{written[0].pk}/", f"/ann/kwip/{written[0].pk}/history/", "/ann/",
                    f"/bob/kwip/{below.pk}/", f"/bob/kwip/{below.pk}/whole/"):  # fmt: skip
        assert client.get(address).status_code == 404, address
    assert client.post(f"/kwip/{written[0].pk}/favourite/").status_code == 404


@pytest.mark.usefixtures("memcached")
def test_the_command_purges_the_pages_that_were_stored_before_it(ann: User, written: list[Kwip]) -> None:
    site = wrapped(WSGIHandler())

    def status() -> str:
        return str(response_of(site, warming_request("/tag/tea/")).status).split()[0]

    switch_off(people=[ann], by=None)
    assert [status(), status(), status()] == ["200"] * 3, "stored with what is not withheld yet"
    Worker(once=True).run()
    assert status() == "404"


@pytest.mark.parametrize("switches", ["off on", "off on off", "on off", "off on off on"])
def test_commands_in_any_number_and_order_end_in_the_last_state(
    ann: User, written: list[Kwip], switches: str
) -> None:
    for switch in switches.split():
        (switch_on if switch == "on" else switch_off)(people=[ann], by=None)
    for _ in range(2):
        withholding.align.call(ann.pk)
        Worker(once=True).run()
    assert seen() == (ids(written) if switches.endswith("on") else set())


def test_a_command_that_failed_halfway_goes_on_where_it_stopped(
    ann: User, written: list[Kwip], monkeypatch
) -> None:
    write, calls = withholding._write, []

    def fails_once(person: User, kwip_ids: list[int]) -> None:
        write(person, kwip_ids)
        calls.append(kwip_ids)
        if len(calls) == 2:
            raise ConnectionError

    switch_off(people=[ann], by=None)
    monkeypatch.setattr(withholding, "_write", fails_once)
    before = seen()
    with pytest.raises(ConnectionError):
        withholding.align.call(ann.pk)
    assert len(seen()) == len(before) - 2, "one batch was committed, the other was rolled back"
    withholding.align.call(ann.pk)
    assert seen() == set()


def test_a_long_command_leaves_the_rest_to_another_one(ann: User, written: list[Kwip], monkeypatch) -> None:
    switch_off(people=[ann], by=None)
    monkeypatch.setattr(withholding, "SECONDS", 0.0)
    assert withholding.align.call(ann.pk) == 2
    for _ in range(10):
        Worker(once=True).run()
    assert seen() == set()


def test_switching_on_restores_nothing_that_is_withheld_for_another_reason(
    ann: User, written: list[Kwip]
) -> None:
    for kwip in (written[0], written[6]):
        Kwip.objects.filter(pk=kwip.pk).update(withheld=MODERATED)
    for switch in (switch_off, switch_on):
        switch(people=[ann], by=None)
        Worker(once=True).run()
    assert seen() == ids(written[1:6] + written[7:])
    switch_off(people=[ann], by=None)
    Worker(once=True).run()
    assert set(Kwip.objects.filter(pk__in=[written[0].pk, written[6].pk]).values_list("withheld")) == {
        (MODERATED | Withheld.SUSPENDED,)
    }
    assert withholding.align_all.call() == 0


@pytest.mark.parametrize("is_comment", [False, True])
def test_what_commits_after_the_switch_is_withheld(
    ann: User, bob: User, publish: Publish, is_comment: bool
) -> None:
    """A publish that read its author before the switch."""
    his = publish(bob)

    def write() -> None:
        try:
            if is_comment:
                actions.comment(author=ann, thread=his, text="late", form_key=uuid.uuid4())
            else:
                actions.publish(author=ann, text="late", form_key=uuid.uuid4())
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    with transaction.atomic():
        switch_off(people=[ann], by=None)
        thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with connection.cursor() as cursor:

            def is_waiting() -> bool:
                # Within a transaction PostgreSQL answers with what it read first.
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(waiting)
                return bool(cursor.fetchone()[0])

            wait_for(is_waiting)
    thread.join()
    assert Kwip.objects.get(author=ann).withheld == Withheld.SUSPENDED
    assert seen() == set()
    switch_on(people=[ann], by=None)
    assert len(seen()) == 1


def test_a_switch_withholds_a_kwip_that_was_locked_after_its_commit(ann: User, publish: Publish) -> None:
    """A comment locks its thread, then its author: a switch that waited for the kwip would deadlock."""
    kwip = publish(ann)
    locked = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            actions._lock(kwip.pk)
            locked.set()
            wait_for(User.objects.filter(pk=ann.pk, is_active=False).all().exists)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(30)
    switch_off(people=[ann], by=None)
    thread.join()
    assert seen() == set(), "without the command"


def test_a_state_that_changed_past_the_actions_is_aligned(
    ann: User, bob: User, written: list[Kwip], publish: Publish
) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert withholding.align_all.call() == 11
    assert seen() == set()
    User.objects.filter(pk=ann.pk).update(is_active=True)
    assert withholding.align_all.call() == 11
    assert seen() == ids(written)
    assert withholding.align_all.call() == 0


def test_a_kwip_of_the_previous_release_is_withheld_and_restored_as_any(ann: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kwips_kwip (author_id, audience_id, text, form_key, version, comments_count,"
            " favourites_count) VALUES (%s, %s, 'for my followers', gen_random_uuid(), 1, 0, 0) RETURNING id",
            [ann.pk, ann.pk],
        )
        (kwip_id,) = cursor.fetchone()
    assert queries.visible_kwip(kwip_id, None) is None
    assert queries.visible_kwip(kwip_id, ann.pk) is not None
    switch_off(people=[ann], by=None)
    assert not Kwip.objects.filter(VisibleTo(ann.pk), pk=kwip_id).exists()
    switch_on(people=[ann], by=None)
    assert queries.visible_kwip(kwip_id, ann.pk) is not None
