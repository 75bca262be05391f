"""While no moderator looks, what three people report waits until somebody does."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.kwips.models import Kwip, Withheld
from apps.moderation import actions
from apps.moderation.models import Case, Reason, What
from apps.policy.models import SitePolicy

pytestmark = pytest.mark.django_db


@pytest.fixture
def kwip(ann: User, publish) -> Kwip:
    return publish(ann, "of what they report")


def report(kwip: Kwip, *names: str) -> int:
    """Reports by people of these names; returns why the kwip is withheld then."""
    for name in names:
        client = Client()
        person = User.objects.filter(username=name).first()
        client.force_login(person or User.objects.create_user(name, f"{name}@example.org"))
        assert client.post(f"/kwip/{kwip.pk}/report/", {"reason": "spam", "words": ""}).status_code == 302
    return Kwip.objects.get(pk=kwip.pk).withheld


def away(**span: float) -> None:
    SitePolicy(away_until=timezone.now() + timedelta(**span)).save()


def test_a_third_report_holds_a_kwip_until_a_moderator_releases_it(kwip: Kwip, mod: User) -> None:
    away(days=7)
    assert report(kwip, "cee", "dee", "cee") == 0, "two people"
    assert report(kwip, "eve") == Withheld.HELD
    assert Client().get(f"/ann/kwip/{kwip.pk}/").status_code == 404
    case = Case.objects.get(subject=kwip.pk)
    actions.act(what=What.RELEASE, person=kwip.author, by=mod, reason=Reason.OTHER, case=case)
    assert Client().get(f"/ann/kwip/{kwip.pk}/").status_code == 200
    assert report(kwip, "cee", "dee") == 0, "those who were answered do not count again"


def test_reports_alone_hold_nothing_while_a_moderator_is_there(kwip: Kwip) -> None:
    assert report(kwip, "cee", "dee", "eve") == 0
    away(days=-1)
    assert report(kwip, "fay") == 0, "the moderator is back"
    away(days=1)
    assert report(kwip, "gus") == Withheld.HELD, "the next report counts all of the open case"


def test_reports_of_a_person_hold_nothing(kwip: Kwip) -> None:
    away(days=7)
    for name in ("cee", "dee", "eve"):
        client = Client()
        client.force_login(User.objects.create_user(name, f"{name}@example.org"))
        assert client.post("/ann/report/", {"reason": "spam", "words": ""}).status_code == 302
    kwip.refresh_from_db()
    assert kwip.withheld == 0
