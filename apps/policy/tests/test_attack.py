"""Under attack: one decision, which ends by itself and loses no other setting."""

import datetime
import io

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.policy import attack
from apps.policy.models import MOST_ATTACK_DAYS, AttackSignUp, SignUpMode, SitePolicy
from apps.policy.queries import ATTACK_HOURS, current

pytestmark = pytest.mark.django_db(transaction=True)
SOON = datetime.timedelta(hours=1)


@pytest.mark.parametrize(
    ("usual", "attacked", "now"),
    [
        (SignUpMode.OPEN, AttackSignUp.APPROVAL, SignUpMode.APPROVAL),
        (SignUpMode.OPEN, AttackSignUp.INVITATION, SignUpMode.INVITATION),
        (SignUpMode.APPROVAL, AttackSignUp.INVITATION, SignUpMode.INVITATION),
        (SignUpMode.INVITATION, AttackSignUp.APPROVAL, SignUpMode.INVITATION),
        (SignUpMode.CLOSED, AttackSignUp.APPROVAL, SignUpMode.CLOSED),
    ],
)
def test_under_attack_the_stricter_way_to_sign_up_counts(usual, attacked, now) -> None:
    SitePolicy(sign_up=usual, attack_sign_up=attacked, attack_until=timezone.now() + SOON).save()
    assert (current().sign_up_now, current().asks_for_work) == (now, True)
    assert current().hours_of_new_accounts == ATTACK_HOURS
    SitePolicy(sign_up=usual, attack_sign_up=attacked, attack_until=timezone.now() - SOON).save()
    assert (current().sign_up_now, current().asks_for_work) == (usual, False)
    assert current().hours_of_new_accounts == 24


@pytest.mark.usefixtures("memcached")
def test_it_ends_by_itself_though_the_policy_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    until = attack.begin(2, sign_up=AttackSignUp.APPROVAL)
    assert current().is_under_attack
    monkeypatch.setattr("apps.policy.queries.timezone.now", lambda: until)
    assert not current().is_under_attack
    assert current().sign_up_now == SignUpMode.OPEN


def test_hours_of_new_accounts_are_not_shortened_by_an_attack() -> None:
    SitePolicy(new_account_hours=700, attack_until=timezone.now() + SOON).save()
    assert current().hours_of_new_accounts == 700


def test_the_command_begins_and_ends_it_and_keeps_all_else() -> None:
    SitePolicy(sign_up=SignUpMode.OPEN, greeting="hello {name}", proof_of_work=True).save()
    said = io.StringIO()
    call_command("underattack", "24", "--sign-up", "invitation", stdout=said)
    assert "under attack until" in said.getvalue()
    policy = current()
    assert (policy.sign_up_now, policy.greeting, policy.proof_of_work) == ("invitation", "hello {name}", True)
    call_command("underattack", "0", stdout=said)
    assert not current().is_under_attack
    assert current().asks_for_work, "as it was before"


@pytest.mark.parametrize("hours", ["-1", str(24 * MOST_ATTACK_DAYS + 1), "9" * 30])
def test_a_time_that_is_too_long_is_refused(hours: str) -> None:
    with pytest.raises(CommandError, match=r"[nN]othing was done"):
        call_command("underattack", "--", hours)
    assert not current().is_under_attack
    with pytest.raises(ValidationError):
        SitePolicy(attack_until=timezone.now() + datetime.timedelta(days=MOST_ATTACK_DAYS + 1)).full_clean()


def test_an_operator_begins_it_in_the_admin_by_one_field(client: Client) -> None:
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org"))
    until = timezone.localtime(timezone.now() + SOON)
    form = {
        "sign_up": "open", "new_account_hours": "24", "attack_sign_up": "approval", "_save": "save",
        "attack_until_0": f"{until:%Y-%m-%d}", "attack_until_1": f"{until:%H:%M:%S}",
    }  # fmt: skip
    assert client.post("/admin/policy/sitepolicy/1/change/", form).status_code == 302
    visitor = Client().get("/accounts/signup/").content.decode()
    assert 'name="words"' in visitor
    assert 'name="puzzle"' in visitor
    assert 'name="puzzle"' in Client().get("/contact/").content.decode()
