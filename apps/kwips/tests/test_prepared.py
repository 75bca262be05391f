"""Statements that a connection prepares once."""

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection

from apps.accounts.models import User
from apps.kwips import queries
from apps.kwips.models import Kwip
from apps.testing.pool import pooled


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return [row[0] for row in cursor.fetchall()]


def take_a_new_connection() -> None:
    """One that has prepared nothing: a pool would lend the same one again."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's have it


@pytest.mark.django_db
def test_a_connection_prepares_a_statement_once(ann: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann)
    for _ in range(3):
        assert [card.id for card in queries.cards([kwip.pk])] == [kwip.pk]
    assert prepared().count("kwips_cards") == 1


@pytest.mark.django_db(transaction=True)
def test_with_the_setting_off_nothing_is_prepared(
    ann: User, publish: Callable[..., Kwip], settings: LazySettings
) -> None:
    kwip = publish(ann)
    take_a_new_connection()
    settings.PREPARED_STATEMENTS = False
    assert [card.id for card in queries.cards([kwip.pk])] == [kwip.pk]
    assert prepared() == []


@pooled
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_lent_again_has_prepared_all_it_needs(
    ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann)
    take_a_new_connection()
    backends = set()
    for _ in range(3):
        # Prepared twice, or forgotten by PostgreSQL and not by us, it would be an error.
        assert [card.id for card in queries.cards([kwip.pk])] == [kwip.pk]
        assert prepared().count("kwips_cards") == 1
        backends.add(connection.connection.info.backend_pid)
        connection.close()
    assert len(backends) == 1


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_prepares_anew(ann: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann)
    queries.cards([kwip.pk])
    take_a_new_connection()
    assert [card.id for card in queries.cards([kwip.pk])] == [kwip.pk]
    assert prepared() == ["kwips_cards"]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_is_django_s_error_and_the_next_one_works(
    ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann)
    connection.close()
    with connection.cursor() as cursor:  # a fresh connection, which has prepared nothing
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    killer = connection.copy()
    with killer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    killer.close()
    with pytest.raises(OperationalError):
        queries.cards([kwip.pk])
    connection.close()
    assert [card.id for card in queries.cards([kwip.pk])] == [kwip.pk]
