"""What is copied for a peer is there, and fits the peer's columns."""

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.kwips.models import Kwip, Visibility
from bench.peers.load import TABLES


def rows(table: str) -> list[tuple[object, ...]]:
    [query] = [query for name, query in TABLES.items() if name.split()[0].strip('"') == table]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.mark.django_db
def test_people_and_public_kwips_are_copied_and_cut_to_the_peers_columns() -> None:
    ann = User.objects.create_user("ann", "ann@example.com", bio="b" * 200)
    kwip = Kwip.objects.create(author=ann, text="k" * 200)
    Kwip.objects.create(author=ann, text="to myself", visibility=Visibility.FOLLOWERS)
    Kwip.objects.create(author=ann, text="a comment", thread=kwip)
    [(number, username, email, about, _)] = rows("user")
    assert (number, username, about) == (ann.pk, "ann", "b" * 140)
    assert email
    [(_, body, timestamp, author, language)] = rows("post")
    assert (body, timestamp, author, language) == ("k" * 140, kwip.created_at, ann.pk, "en")
    assert rows("followers") == []
