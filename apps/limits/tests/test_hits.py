"""Who may once more, and who waits."""

import pytest
from django.core.cache import caches
from django.db import connection, transaction

from apps import limits
from apps.limits.checks import check_settings
from apps.limits.models import RateLimitWindow
from apps.limits.tests.clock import let_pass
from tests.support.concurrency import at_once


@pytest.fixture(autouse=True)
def tea(settings) -> None:
    settings.LIMITS = settings.LIMITS | {"tea": "5/10m", "water": None, "toast": "1/1h"}


def tries(times: int, *who: object) -> list[bool]:
    return [bool(limits.hit("tea", *(who or ("ann",)))) for _ in range(times)]


@pytest.mark.django_db
def test_as_many_as_the_rate_says_are_admitted_and_no_more() -> None:
    assert tries(7) == [True] * 5 + [False] * 2


@pytest.mark.django_db
def test_each_is_counted_apart() -> None:
    tries(5, "ann")
    assert all(tries(5, "bob"))
    assert limits.hit("toast", "ann")
    # Parts that join to the same text are not the same key.
    tries(5, "a", "bc")
    assert limits.hit("tea", "ab", "c")


@pytest.mark.asvs("2.4.1")
@pytest.mark.django_db
def test_no_span_holds_more_than_the_rate_wherever_it_begins() -> None:
    assert tries(2) == [True] * 2
    let_pass(400)
    assert tries(4) == [True] * 3 + [False]
    # The first two are over, the other three are not.
    let_pass(201)
    assert tries(3) == [True] * 2 + [False]
    let_pass(400)
    assert tries(4) == [True] * 3 + [False]


@pytest.mark.django_db
def test_a_refusal_says_how_long_to_wait() -> None:
    tries(1)
    let_pass(100)
    tries(4)
    refusal = limits.hit("tea", "ann")
    assert 490 < refusal.wait <= 500
    assert "9 minutes" in refusal.message
    let_pass(refusal.wait)
    assert limits.hit("tea", "ann")


@pytest.mark.django_db
def test_refusals_do_not_make_the_wait_longer_and_write_nothing() -> None:
    tries(5)
    before = RateLimitWindow.objects.values_list("times", "expires_at").get()
    with connection.cursor() as cursor:
        version = "SELECT xmin::text, xmax::text, ctid::text FROM limits_tries"
        cursor.execute(version)
        row = cursor.fetchone()
        tries(3)
        cursor.execute(version)
        assert cursor.fetchone() == row, "not even a lock was left on the row"
    assert RateLimitWindow.objects.values_list("times", "expires_at").get() == before


@pytest.mark.django_db
def test_a_row_keeps_only_the_times_that_count() -> None:
    for _ in range(4):
        tries(5)
        let_pass(601)
    assert len(RateLimitWindow.objects.get().times) == 5


@pytest.mark.django_db
def test_a_refund_takes_one_try_back_and_no_other() -> None:
    tries(4)
    limits.hit("tea", "ann").refund()
    assert tries(2) == [True, False]
    limits.hit("tea", "ann").refund()  # of a refusal: there is nothing to give back
    assert tries(1) == [False]


@pytest.mark.django_db
def test_forgetting_begins_anew() -> None:
    tries(6)
    limits.reset("tea", "ann")
    assert tries(1) == [True]


@pytest.mark.django_db
def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    tries(5)
    let_pass(-3600)
    assert tries(1) == [True]


@pytest.mark.django_db
def test_a_limit_can_be_lifted_and_a_scope_nobody_named_is_a_mistake() -> None:
    assert all(limits.hit("water", "ann") for _ in range(100))
    assert not RateLimitWindow.objects.exists()
    with pytest.raises(KeyError):
        limits.hit("coffee", "ann")


@pytest.mark.django_db
def test_the_table_says_nothing_of_whom_it_counts() -> None:
    limits.hit("tea", "203.0.113.9")
    assert "203.0.113.9" not in str(RateLimitWindow.objects.values().get())


@pytest.mark.asvs("2.3.2", "2.3.4")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("memcached", ["up", "down"])
def test_fifty_at_once_admit_exactly_the_limit(settings, memcached: str) -> None:
    if memcached == "down":
        settings.CACHES = settings.CACHES | {
            "lookaside": settings.CACHES["lookaside"] | {"LOCATION": "127.0.0.1:1"}
        }
        assert not caches["lookaside"].delete("x"), "it is down indeed"
    for _ in range(3):
        admitted = at_once([lambda: bool(limits.hit("tea", "ann"))] * 50, threads=25)
        assert admitted.count(True) == 5
        let_pass(601)


@pytest.mark.django_db(transaction=True)
def test_fifty_refunds_at_once_are_all_given_back() -> None:
    def try_and_refund() -> None:
        limits.hit("tea", "ann").refund()

    at_once([try_and_refund] * 50, threads=25)
    assert tries(6) == [True] * 5 + [False]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_afterwards_stays_counted() -> None:
    @transaction.atomic
    def fail() -> None:
        RateLimitWindow.objects.exists()
        raise LookupError

    for _ in range(5):
        assert limits.hit("tea", "ann")
        with pytest.raises(LookupError):
            fail()
    assert not limits.hit("tea", "ann")


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_count_where_a_rollback_could_take_the_count_back() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        limits.hit("tea", "ann")
    assert not RateLimitWindow.objects.exists()


@pytest.mark.django_db
def test_writes_do_not_wait_for_the_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relpersistence FROM pg_class WHERE relname IN ('limits_tries', 'limits_cache')"
        )
        assert dict(cursor.fetchall()) == {"limits_tries": "u", "limits_cache": "u"}


@pytest.mark.parametrize(
    "text", ["", "5", "5/", "/5m", "0/5m", "5/0m", "5/5", "5/5x", "501/1h", "-1/5m", "5/5m "]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        limits.Rate.parse(text)


def test_a_rate_reads_as_it_is_written() -> None:
    assert limits.Rate.parse("30/10m") == limits.Rate(30, 600)
    assert limits.Rate.parse("1/h") == limits.Rate(1, 3600)


def test_wrong_settings_are_told_at_the_start(settings) -> None:
    assert check_settings(None) == []
    settings.LIMITS = {"tea": "often"}
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "unix", "the proxy"]
    assert [problem.id for problem in check_settings(None)] == ["limits.E001", "limits.E002"]
