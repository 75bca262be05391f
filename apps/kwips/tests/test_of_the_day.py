"""The kwip of the day: who chooses it, where it shows, and when it vanishes."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.actions import switch_off, switch_on
from apps.accounts.models import User
from apps.kwips import actions, of_the_day
from apps.kwips.models import Kwip, KwipOfTheDay

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]


@pytest.fixture
def ops(db: None) -> User:
    return User.objects.create_superuser("ops", "ops@example.org")


@pytest.fixture
def operator(ops: User) -> Client:
    client = Client()
    client.force_login(ops)
    return client


def shown() -> str:
    """The text below the heading on the landing page; "" without one."""
    page = Client().get("/").content.decode()
    _, heading, rest = page.partition('id="of-the-day"')
    return rest.partition("</section>")[0] if heading else ""


def test_the_landing_page_shows_the_chosen_one_until_another_is_chosen(
    ops: User, ann: User, publish: Publish
) -> None:
    assert shown() == ""
    first, second = publish(ann, "the first of #teas"), publish(ann, "the second")
    of_the_day.choose(kwip=first, by=ops)
    assert f'id="kwip-{first.pk}"' in shown()
    of_the_day.choose(kwip=second, by=ops)
    assert "the second" in shown()
    of_the_day.dismiss(kwip=first, by=ops)
    assert "the second" in shown(), "another one was dismissed"
    of_the_day.dismiss(kwip=second, by=ops)
    assert shown() == ""


def test_it_vanishes_when_it_is_deleted_or_hidden_and_shows_its_edited_text(
    ops: User, ann: User, publish: Publish
) -> None:
    kwip = publish(ann, "before")
    of_the_day.choose(kwip=kwip, by=ops)
    actions.edit(kwip=kwip, text="after")
    assert "after" in shown()
    switch_off(people=[ann], by=None)
    assert shown() == ""
    switch_on(people=[ann], by=None)
    assert "after" in shown()
    Kwip.objects.filter(pk=kwip.pk).update(visibility=1, audience=ann)
    assert shown() == "", "for followers from now on"
    Kwip.objects.filter(pk=kwip.pk).update(visibility=0, audience=None)
    actions.delete(kwip=kwip)
    assert shown() == ""


def test_comments_and_kwips_for_followers_can_not_be_chosen(
    ops: User, ann: User, publish: Publish, comment: Callable[..., Kwip]
) -> None:
    for kwip in (publish(ann, followers_only=True), comment(ann, publish(ann))):
        with pytest.raises(of_the_day.NotForEveryone):
            of_the_day.choose(kwip=kwip, by=ops)
    assert not KwipOfTheDay.objects.exists()


def test_operators_choose_on_the_kwips_page_and_others_can_not(
    operator: Client, ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(ann)
    address, action = f"/ann/kwip/{kwip.pk}/", f"/kwip/{kwip.pk}/of-the-day/"
    member, clerk = Client(), Client()
    member.force_login(bob)
    clerk.force_login(User.objects.create_user("clerk", "clerk@example.org", is_staff=True))
    for client in (member, clerk):
        assert action not in client.get(address).content.decode()
        assert client.post(action).status_code == 403
    assert Client().post(action).status_code == 403
    assert operator.get(action).status_code == 405
    assert "make it the kwip of the day" in operator.get(address).content.decode()
    assert operator.post(action)["Location"] == address
    assert of_the_day.is_chosen(kwip.pk)
    assert "no longer the kwip of the day" in operator.get(address).content.decode()
    operator.post(action, {"dismiss": "1"})
    assert not of_the_day.is_chosen(kwip.pk)
    hidden = publish(ann, followers_only=True)
    assert operator.post(f"/kwip/{hidden.pk}/of-the-day/").status_code in (404, 410)


def test_operators_choose_in_the_admin(operator: Client, ann: User, publish: Publish) -> None:
    one, two, hidden = publish(ann), publish(ann), publish(ann, followers_only=True)

    def choose(*kwips: Kwip) -> str:
        form = {"action": "make_kwip_of_the_day", "_selected_action": [kwip.pk for kwip in kwips]}
        return operator.post("/admin/kwips/kwip/", form, follow=True).content.decode()

    assert "Select one kwip" in choose(one, two)
    assert "Only a kwip that everyone may read" in choose(hidden)
    assert not KwipOfTheDay.objects.exists()
    assert "It is the kwip of the day" in choose(two)
    assert of_the_day.is_chosen(two.pk)
