"""The earlier kwips of a person become followers-only by a command, and nothing becomes wider again."""

import uuid
from collections.abc import Callable

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.test import Client

from apps.accounts.actions import set_private
from apps.accounts.models import User
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.tests.conftest import let_time_pass, wait_for
from apps.commandqueue.tests.processes import kill, worker
from apps.commandqueue.tests.test_crashes import waits_for_a_lock
from apps.graph.actions import follow, unfollow
from apps.kwips import actions, narrowing, sharing
from apps.kwips.models import Kwip, Narrowing, Visibility
from apps.kwips.visibility import VisibleTo
from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]


@pytest.fixture
def private(ann: User) -> User:
    set_private(user=ann, is_private=True)
    ann.refresh_from_db()
    return ann


def seen(viewer: User | None = None) -> set[int]:
    rows = Kwip.objects.filter(VisibleTo(viewer.pk if viewer else None))
    return set(rows.values_list("pk", flat=True))


def narrow(person: User) -> int:
    narrowing.begin(person=person)
    return narrowing.narrow.call(person.pk)


def test_a_private_persons_kwips_are_for_followers_unless_they_say_otherwise(
    client: Client, private: User, bob: User
) -> None:
    client.force_login(private)
    for form in ({"text": "hush"}, {"text": "hush", "followers_only": "on"}):
        client.post("/kwip/", form)
        assert Kwip.objects.latest("pk").visibility == Visibility.FOLLOWERS
    client.post("/kwip/", {"text": "hear", "followers_only": "on", "for_everyone": "on"})
    assert seen() == {Kwip.objects.latest("pk").pk}
    client.force_login(bob)
    client.post("/kwip/", {"text": "hello"})
    assert Kwip.objects.latest("pk").visibility == Visibility.EVERYONE


def test_the_account_as_it_is_when_the_kwip_is_stored_decides(ann: User, publish: Publish) -> None:
    """A request that read its person before the account became private."""
    before = User.objects.get(pk=ann.pk)
    set_private(user=ann, is_private=True)
    assert publish(before).followers_only
    assert seen() == set()


def test_a_form_of_a_private_account_that_arrives_when_it_is_public_is_for_followers(
    client: Client, private: User
) -> None:
    client.force_login(private)
    page = client.get("/kwip/").text
    assert 'name="for_everyone"' in page
    assert '<input type="hidden" name="followers_only" value="on">' in page
    set_private(user=private, is_private=False)
    client.post("/kwip/", {"text": "hush", "followers_only": "on"})
    assert seen() == set()
    assert 'name="for_everyone"' not in client.get("/kwip/").text


def test_a_comment_of_a_private_person_has_the_audience_of_its_thread(
    private: User, bob: User, publish: Publish, comment: Publish
) -> None:
    assert not comment(private, publish(bob)).followers_only


def test_going_private_and_public_changes_nothing_that_is_written(ann: User, publish: Publish) -> None:
    public, hidden = publish(ann), publish(ann, followers_only=True)
    for is_private in (True, False):
        set_private(user=ann, is_private=is_private)
        assert seen() == {public.pk}
    narrow(ann)
    set_private(user=ann, is_private=False)
    assert seen() == set()
    assert Kwip.objects.get(pk=hidden.pk).version == 1


def test_kwips_and_the_talks_below_them_become_followers_only(
    private: User, bob: User, publish: Publish, comment: Publish
) -> None:
    fan = User.objects.create_user("fan", "fan@example.org")
    follow(follower=fan, followee=private, is_invited=True)
    kwips = [publish(private, followers_only=False) for _ in range(3)]
    below = [comment(bob, kwips[0]) for _ in range(2)]
    elsewhere = comment(private, publish(bob))
    narrow(private)
    assert seen() == seen(bob) == {elsewhere.pk, elsewhere.thread_id}
    assert seen(fan) >= {row.pk for row in (*kwips, *below)}
    assert set(Kwip.objects.filter(audience=private).values_list("version", flat=True)) <= {2, 4}
    unfollow(follower=fan, followee=private)
    assert seen(fan) == seen()


def test_a_talk_of_any_length_takes_several_batches_and_is_hidden_from_the_first_on(
    private: User, bob: User, publish: Publish, comment: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "COMMENTS", 2)
    kwip = publish(private, followers_only=False)
    for _ in range(5):
        comment(bob, kwip)
    narrowing.begin(person=private)
    assert narrowing.narrow_batch(private.pk) == 3
    assert seen() == set()
    assert comment(bob, kwip).followers_only
    assert [narrowing.narrow_batch(private.pk) for _ in range(3)] == [2, 1, None]
    assert not Kwip.objects.filter(audience=None).exists()


def test_what_is_published_for_everyone_after_it_began_stays(
    private: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(private, followers_only=False)
    narrowing.begin(person=private)
    later = publish(private, followers_only=False)
    narrowing.narrow.call(private.pk)
    assert seen() == {later.pk}
    assert narrow(private) == 1


def test_a_long_command_leaves_the_rest_to_another_one(
    private: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "SECONDS", 0.0)
    monkeypatch.setattr(narrowing, "BATCH", 1)
    for _ in range(3):
        publish(private, followers_only=False)
    assert narrow(private) == 1
    assert [narrowing.narrow.call(private.pk) for _ in range(3)] == [1, 1, 0]


def test_the_page_offers_it_and_shows_how_far_it_is(
    client: Client, ann: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(narrowing, "BATCH", 2)
    for _ in range(3):
        publish(ann)
    client.force_login(ann)
    assert "make all of them" not in client.get("/settings/privacy/").text
    page = client.post("/settings/privacy/", {"is_private": "on"}, follow=True).text
    assert "make all of them" in page
    assert len(seen()) == 3
    assert "0 of 3" in client.post("/settings/privacy/narrow/", follow=True).text
    narrowing.narrow_batch(ann.pk)
    assert "2 of 3" in client.get("/settings/privacy/").text
    narrowing.narrow.call(ann.pk)
    page = client.get("/settings/privacy/").text
    assert "is for your followers" in page
    assert "make all of them" not in page
    assert client.post("/settings/privacy/", {}, follow=True).context["person"].is_private is False


def test_the_settings_are_limited(client: Client, ann: User, settings: object) -> None:
    settings.LIMITS = settings.LIMITS | {"profile": "1/1h"}  # type: ignore[attr-defined]
    client.force_login(ann)
    client.post("/settings/privacy/", {})
    for address in ("/settings/privacy/", "/settings/privacy/narrow/"):
        assert client.post(address, {"is_private": "on"}).status_code == 429
    ann.refresh_from_db()
    assert not ann.is_private


@pytest.mark.usefixtures("memcached")
@pytest.mark.django_db(transaction=True)
def test_every_stored_page_with_such_a_kwip_is_purged(
    private: User, bob: User, publish: Publish, comment: Publish
) -> None:
    kwip = publish(private, "canary #tea", followers_only=False)
    below = comment(bob, kwip, "canary #milk " + "or two? " * 700)
    actions.edit(kwip=kwip, text="canary2 #tea")
    sharing.share(kwip=kwip, user=bob)
    paths = [
        "/", "/everyone/", "/everyone/feed.atom", "/ann/", "/ann/feed.atom", "/tag/tea/", "/tag/milk/",
        "/tag/tea/feed.atom", f"/ann/kwip/{kwip.pk}/", f"/ann/kwip/{kwip.pk}/history/",
        f"/bob/kwip/{below.pk}/whole/", "/bob/", "/bob/shares/", "/bob/comments/",
        f"/sitemap-kwips-{kwip.pk // 10_000}.xml",
    ]  # fmt: skip
    site, words = wrapped(WSGIHandler()), (b"canary", f"/ann/kwip/{kwip.pk}/</loc>".encode())

    def shown() -> set[str]:
        return {path for path in paths if any(word in body(path) for word in words)}

    def body(path: str) -> bytes:
        return response_of(site, warming_request(path)).body

    assert shown() == set(paths) - {"/bob/"}
    narrow(private)
    assert shown() == set()


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_goes_on_where_it_was(private: User) -> None:
    number = 2 * narrowing.BATCH + 50
    Kwip.objects.bulk_create(Kwip(author=private, text="tea", form_key=uuid.uuid4()) for _ in range(number))
    User.objects.filter(pk=private.pk).update(kwips_count=number)
    narrowing.begin(person=private)
    of_second_batch = Kwip.objects.order_by("-pk")[narrowing.BATCH + 10]
    with transaction.atomic():
        Kwip.objects.select_for_update().get(pk=of_second_batch.pk)
        with worker("--queues=bulk") as process:
            wait_for(waits_for_a_lock, seconds=60)
            kill(process)
    assert len(seen()) == number - narrowing.BATCH
    assert Narrowing.objects.get().looked_at == narrowing.BATCH
    let_time_pass()
    Worker(once=True).run()
    let_time_pass()
    Worker(once=True).run()
    assert seen() == set()
    assert set(Kwip.objects.values_list("version", flat=True)) == {2}, "each changed once"
    state = Narrowing.objects.get()
    assert (state.looked_at, state.total) == (number, number)
    assert state.finished_at
