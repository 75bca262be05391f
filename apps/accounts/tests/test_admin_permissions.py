"""In the admin, only superusers create or change superusers, and grant privileges."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.test import Client

from apps.accounts.models import FormerName, User
from tests.support.people import PASSWORD, member, sign_up

pytestmark = pytest.mark.django_db

POWERS = {"is_staff": "on", "is_superuser": "on", "groups": "", "user_permissions": ""}
NEW_PASSWORD = {"usable_password": "true", "password1": "another horse", "password2": "another horse"}


@pytest.fixture
def clerk(db: None) -> User:
    """Staff with every permission, but not a superuser."""
    user = member("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def root(db: None) -> User:
    return member("boss", is_staff=True, is_superuser=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def privileges_form() -> dict[str, object]:
    group = Group.objects.create(name="mighty")
    return POWERS | {"groups": [group.pk], "user_permissions": [Permission.objects.earliest("pk").pk]}


def privileges_of(user: User) -> tuple[bool, bool, int, int]:
    user = User.objects.get(pk=user.pk)
    return user.is_staff, user.is_superuser, user.groups.count(), user.user_permissions.count()


@pytest.mark.asvs("8.2.3", "15.3.3")
@pytest.mark.parametrize("whose", ["their own", "another member's"])
def test_staff_cannot_grant_privileges(clerk: User, ann: User, whose: str) -> None:
    user = clerk if whose == "their own" else ann
    before = privileges_of(user)
    form = {"username": user.username, "display_name": "changed", "is_active": "on"} | privileges_form()
    answer = signed_in(clerk).post(f"/admin/accounts/user/{user.pk}/change/", form)
    assert answer.status_code == 302
    assert privileges_of(user) == before
    user.refresh_from_db()
    assert user.display_name == "changed", "what they may change is changed"


def test_staff_adds_users_without_privileges(clerk: User) -> None:
    form = {"username": "eve", "email": "eve@example.org"} | NEW_PASSWORD | privileges_form()
    signed_in(clerk).post("/admin/accounts/user/add/", form)
    assert privileges_of(User.objects.get(username="eve")) == (False, False, 0, 0)


def test_a_superuser_grants_privileges(root: User, ann: User) -> None:
    form = {"username": "ann", "is_active": "on"} | privileges_form()
    signed_in(root).post(f"/admin/accounts/user/{ann.pk}/change/", form)
    assert privileges_of(ann) == (True, True, 1, 1)


def test_staff_cannot_change_a_superuser(clerk: User, root: User) -> None:
    client = signed_in(clerk)
    form = {"username": "fallen", "display_name": "", "bio": ""}
    assert client.post(f"/admin/accounts/user/{root.pk}/change/", form).status_code == 403
    assert client.post(f"/admin/accounts/user/{root.pk}/password/", NEW_PASSWORD).status_code == 403
    address = EmailAddress.objects.get(user=root)
    client.post(
        f"/admin/account/emailaddress/{address.pk}/change/", {"user": root.pk, "email": "e@example.org"}
    )
    client.post(
        "/admin/account/emailaddress/add/", {"user": root.pk, "email": "e@example.org", "verified": "on"}
    )
    client.post(
        "/admin/account/emailaddress/", {"action": "delete_selected", "_selected_action": [address.pk]}
    )
    root.refresh_from_db()
    assert (root.username, root.check_password(PASSWORD)) == ("boss", True)
    assert [row.email for row in EmailAddress.objects.filter(user=root)] == ["boss@example.org"]


def test_staff_cannot_move_an_address_to_a_superuser(clerk: User, root: User, ann: User) -> None:
    address = EmailAddress.objects.get(user=ann)
    form = {"user": root.pk, "email": "ann@example.org", "verified": "on"}
    signed_in(clerk).post(f"/admin/account/emailaddress/{address.pk}/change/", form)
    address.refresh_from_db()
    assert address.user_id == ann.pk


def test_an_address_that_no_mail_can_go_to_is_refused_in_the_admin_too(root: User, ann: User) -> None:
    address, client = EmailAddress.objects.get(user=ann), signed_in(root)
    for path in (f"{address.pk}/change/", "add/"):
        form = {"user": ann.pk, "email": "=?utf-8?q?a?=@b.co", "verified": "on"}
        page = client.post(f"/admin/account/emailaddress/{path}", form).content.decode()
        assert "no address that our mail can go to" in page
    assert [row.email for row in EmailAddress.objects.all()] == ["boss@example.org", "ann@example.org"]


def test_a_member_whose_address_an_operator_changed_still_confirms_their_password(ann: User) -> None:
    EmailAddress.objects.filter(user=ann).update(email="new@example.org", verified=False)
    client = signed_in(ann)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_an_existing_reserved_name_stays_valid_and_a_new_one_is_refused(root: User, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(username="helpdesk2")
    client = signed_in(root)
    for name, status in (("helpdesk2", 302), ("helpdesk3", 200), ("x!", 200)):
        form = {"username": name, "display_name": "changed", "is_active": "on"}
        assert client.post(f"/admin/accounts/user/{ann.pk}/change/", form).status_code == status
    ann.refresh_from_db()
    assert (ann.username, ann.display_name) == ("helpdesk2", "changed")


@pytest.mark.asvs("7.4.5")
def test_staff_sets_the_passwords_of_other_users(clerk: User, ann: User) -> None:
    assert signed_in(clerk).post(f"/admin/accounts/user/{ann.pk}/password/", NEW_PASSWORD).status_code == 302
    ann.refresh_from_db()
    assert ann.check_password("another horse")


def test_only_superusers_see_or_change_groups(clerk: User, root: User) -> None:
    group = Group.objects.create(name="clerks")
    form = {"name": "mighty", "permissions": [Permission.objects.earliest("pk").pk]}
    for address in (f"/admin/auth/group/{group.pk}/change/", "/admin/auth/group/add/"):
        assert signed_in(clerk).post(address, form).status_code == 403
    assert signed_in(root).post(f"/admin/auth/group/{group.pk}/change/", form).status_code == 302


def test_a_name_changed_in_the_admin_redirects_and_a_taken_one_is_refused(root: User, ann: User) -> None:
    client = signed_in(root)
    client.post(f"/admin/accounts/user/{ann.pk}/change/", {"username": "anna", "is_active": "on"})
    ann.refresh_from_db()
    assert (ann.username, ann.version) == ("anna", 2)
    assert Client().get("/ann/")["Location"] == "/anna/"
    sign_up(Client(), "eve", "eve@example.org")
    bob = member("bob")
    for taken in ("ann", "eve", "anna"):
        page = client.post(f"/admin/accounts/user/{bob.pk}/change/", {"username": taken, "is_active": "on"})
        assert "someone has that name already" in page.content.decode()
        form = {"username": taken, "email": "new@example.org"} | NEW_PASSWORD
        assert (
            "someone has that name already" in client.post("/admin/accounts/user/add/", form).content.decode()
        )
    assert FormerName.objects.count() == 1
