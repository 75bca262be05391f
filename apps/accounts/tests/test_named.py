"""Users by their names: `sql/named.sql`."""

from datetime import timedelta
from itertools import product

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from apps.accounts.models import FormerName, User
from apps.accounts.queries import UNCONFIRMED, ids_of

pytestmark = pytest.mark.django_db


def test_it_leaves_out_the_users_that_unconfirmed_describes() -> None:
    for number, bits in enumerate(product([False, True], repeat=5)):
        unverified, verified, signed_in, is_staff, is_superuser = bits
        user = User.objects.create_user(
            f"user{number}", f"user{number}@example.org", is_staff=is_staff, is_superuser=is_superuser
        )
        User.objects.filter(pk=user.pk).update(last_login=timezone.now() if signed_in else None)
        EmailAddress.objects.filter(user=user).delete()
        if unverified:
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
        if verified:
            EmailAddress.objects.create(user=user, email=f"second.{user.email}", verified=True)
    names = User.objects.values_list("username", flat=True)
    confirmed = set(User.objects.exclude(UNCONFIRMED).values_list("pk", flat=True))
    assert ids_of(names) == confirmed
    assert len(confirmed) == 31


def test_a_former_name_counts_while_it_is_reserved() -> None:
    user = User.objects.create_user("ann", "ann@example.org")
    for name, days in (("anna", 1), ("anne", -1)):
        until = timezone.now() + timedelta(days=days)
        FormerName.objects.create(name=name, user=user, kept_until=until)
    assert [ids_of([name]) for name in ("ann", "anna", "anne", "eve")] == [{user.pk}, {user.pk}, set(), set()]
    assert ids_of(["ann", "anna"]) == {user.pk}
