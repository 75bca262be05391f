"""Shares: counted exactly, each once, only of kwips for everyone by others."""

from collections.abc import Callable
from functools import partial

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions, sharing
from apps.kwips.models import Kwip, Share
from apps.limits.tests.clock import let_pass
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]


def is_counted(kwip: Kwip) -> int:
    """The number of shares, which the counter has."""
    kwip.refresh_from_db()
    assert kwip.shares_count == Share.objects.filter(kwip=kwip).count()
    return kwip.shares_count


def test_a_share_counts_once_and_is_taken_back(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(bob)
    before = kwip.version
    assert [sharing.share(kwip=kwip, user=ann) for _ in range(2)] == [1, 1]
    assert is_counted(kwip) == 1
    assert kwip.version == before + 1
    assert [sharing.unshare(kwip=kwip, user=ann) for _ in range(2)] == [0, 0]
    assert is_counted(kwip) == 0


def test_a_share_has_an_id_between_those_of_kwips(ann: User, bob: User, publish: Publish) -> None:
    first = publish(bob)
    sharing.share(kwip=first, user=ann)
    second = publish(bob)
    assert first.pk < Share.objects.get().pk < second.pk


def test_only_kwips_of_others_that_everyone_may_see_are_shared(
    ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    follow(follower=ann, followee=bob)
    gone = publish(bob)
    actions.delete(kwip=gone)
    own, hushed, said = publish(ann), publish(bob, followers_only=True), comment(bob, publish(bob))
    for kwip in (own, hushed, said):
        with pytest.raises(sharing.NotShareable):
            sharing.share(kwip=kwip, user=ann)
        assert is_counted(kwip) == 0
    for act in (sharing.share, sharing.unshare):
        with pytest.raises(actions.Gone):
            act(kwip=gone, user=ann)
    late = publish(bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)  # not withheld yet
    with pytest.raises(sharing.NotShareable):
        sharing.share(kwip=late, user=ann)
    assert not Share.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_fifty_clicks_at_once_are_one_share(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(bob)
    at_once([partial(sharing.share, kwip=kwip, user=ann)] * 50)
    assert is_counted(kwip) == 1


@pytest.mark.django_db(transaction=True)
def test_who_shares_and_takes_back_at_once_is_not_refused(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(bob)
    acts = [sharing.unshare if number % 2 else sharing.share for number in range(50)]
    counts = at_once([partial(act, kwip=kwip, user=ann) for act in acts])
    assert set(counts) <= {0, 1}
    assert sharing.share(kwip=kwip, user=ann) == is_counted(kwip) == 1


@pytest.mark.django_db(transaction=True)
def test_the_counter_is_exact_while_fifty_people_share_and_take_back(bob: User, publish: Publish) -> None:
    kwip = publish(bob)
    people = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(10)]

    def story(number: int) -> None:
        act = sharing.unshare if number % 3 == 2 else sharing.share
        act(kwip=kwip, user=people[number % 10])

    at_once([partial(story, number) for number in range(50)])
    is_counted(kwip)
    for person in people:
        sharing.share(kwip=kwip, user=person)
    assert is_counted(kwip) == 10


def test_shares_go_with_the_kwip_and_with_the_person(ann: User, bob: User, publish: Publish) -> None:
    kwip, other = publish(bob), publish(bob)
    for each in (kwip, other):
        sharing.share(kwip=each, user=ann)
    actions.delete(kwip=kwip)
    assert Share.objects.get().kwip_id == other.pk
    ann.delete()
    assert not Share.objects.exists()


def test_the_buttons_share_and_take_back_without_javascript(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(bob)
    client.force_login(ann)
    shown = client.get("/everyone/").content.decode()
    assert f'formaction="/kwip/{kwip.pk}/share/"' in shown
    answer = client.post(f"/kwip/{kwip.pk}/share/", {"next": "/everyone/"})
    assert (answer.status_code, answer["Location"]) == (302, f"/everyone/#kwip-{kwip.pk}")
    shown = client.get("/everyone/").content.decode()
    assert f'formaction="/kwip/{kwip.pk}/unshare/"' in shown
    answer = client.post(f"/kwip/{kwip.pk}/unshare/", headers={"Accept": "application/json"})
    assert answer.json() == {"count": 0}


def test_what_cannot_be_shared_has_no_button_and_says_so_to_a_forged_form(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    follow(follower=ann, followee=bob)
    own, hushed = publish(ann), publish(bob, followers_only=True)
    client.force_login(ann)
    shown = client.get("/").content.decode()
    for kwip in (own, hushed):
        assert f"/kwip/{kwip.pk}/favourite/" in shown
        assert f"/kwip/{kwip.pk}/share/" not in shown
        answer = client.post(f"/kwip/{kwip.pk}/share/")
        assert answer.status_code == 403
        assert "can be shared" in answer.content.decode()
        answer = client.post(f"/kwip/{kwip.pk}/share/", headers={"Accept": "application/json"})
        assert (answer.status_code, "can be shared" in answer.json()["error"]) == (403, True)


def test_too_many_clicks_are_refused(
    client: Client, ann: User, bob: User, publish: Publish, settings: LazySettings
) -> None:
    assert settings.LIMITS["share"] == "60/10m"
    settings.LIMITS = settings.LIMITS | {"share": "2/10m"}
    kwip = publish(bob)
    client.force_login(ann)
    statuses = [client.post(f"/kwip/{kwip.pk}/{act}/").status_code for act in ("share", "unshare", "share")]
    assert statuses == [302, 302, 429]
    assert is_counted(kwip) == 0
    let_pass(601)
    assert client.post(f"/kwip/{kwip.pk}/share/").status_code == 302


def test_the_page_of_shares_follows_the_kwips_and_their_authors(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    first, second = publish(bob, "tea"), publish(bob, "milk")
    for kwip in (second, first):
        sharing.share(kwip=kwip, user=ann)
    shown = client.get("/ann/shares/").content.decode()
    assert shown.index(f'id="kwip-{first.pk}"') < shown.index(f'id="kwip-{second.pk}"')
    actions.edit(kwip=first, text="coffee")
    assert "coffee" in client.get("/ann/shares/").content.decode()
    accounts.switch_off(people=[bob], by=None)
    assert "<article" not in client.get("/ann/shares/").content.decode()
    accounts.switch_off(people=[ann], by=None)
    assert client.get("/ann/shares/").status_code == 404
