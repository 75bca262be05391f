"""Blocked e-mail domains and networks: no one signs up from there."""

import datetime
import io
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.policy import blocked, models
from apps.policy.models import BlockedDomain, BlockedNetwork

pytestmark = pytest.mark.django_db


def block(kind: blocked.Kind, value: str, **options) -> None:
    row = kind(value=value, **options)
    row.full_clean()
    row.save()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("blocksignups", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("entry", "address", "expected"),
    [
        ("spam.example", "a@spam.example", True),
        ("spam.example", "a@mail.SPAM.example", True),
        ("spam.example", "a@notspam.example", False),
        ("spam.example", "a@example", False),
        ("*.Spam.example.", "a@spam.example", True),
        ("@bücher.example", "a@xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "a@bücher.example", True),
    ],
)
def test_a_domain_is_blocked_with_its_subdomains(entry: str, address: str, expected: bool) -> None:
    block(BlockedDomain, entry)
    assert blocked.is_address_blocked(address) is expected


@pytest.mark.parametrize(
    ("entry", "address", "expected"),
    [
        ("192.0.2.0/24", "192.0.2.9", True),
        ("192.0.2.77/24", "192.0.2.9", True),
        ("192.0.2.0/24", "192.0.3.9", False),
        ("192.0.2.9", "192.0.2.9", True),
        ("2001:db8::/32", "2001:db8:1::5", True),
        ("2001:db8::/32", "2001:db9::5", False),
        ("192.0.2.0/24", "unknown", False),
    ],
)
def test_a_network_is_blocked_with_its_addresses(entry: str, address: str, expected: bool) -> None:
    block(BlockedNetwork, entry)
    assert blocked.is_network_blocked(address) is expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BlockedDomain, "com"),
        (BlockedDomain, "a b.example"),
        (BlockedDomain, "x" * 260 + ".example"),
        (BlockedDomain, ""),
        (BlockedNetwork, "0.0.0.0/0"),
        (BlockedNetwork, "::/3"),
        (BlockedNetwork, "here"),
    ],
)
def test_what_is_no_domain_or_no_network_is_refused(kind: blocked.Kind, value: str) -> None:
    with pytest.raises(ValidationError):
        block(kind, value)


def test_a_block_ends_by_itself() -> None:
    now = timezone.now()
    block(BlockedDomain, "soon.example", until=now + datetime.timedelta(minutes=5))
    block(BlockedDomain, "over.example", until=now - datetime.timedelta(minutes=5))
    assert blocked.is_address_blocked("a@soon.example")
    assert not blocked.is_address_blocked("a@over.example")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("memcached")
def test_a_change_is_read_after_its_commit_and_a_read_costs_no_query() -> None:
    assert not blocked.is_address_blocked("a@spam.example")
    with transaction.atomic():
        block(BlockedDomain, "spam.example")
    assert blocked.is_address_blocked("a@spam.example")
    with CaptureQueriesContext(connection) as captured:
        assert blocked.is_address_blocked("a@spam.example")
        assert not blocked.is_network_blocked("192.0.2.9")
    assert len(captured) == 0
    operator = Client()
    operator.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org"))
    action = {
        "action": "delete_selected",
        "_selected_action": [BlockedDomain.objects.get().pk],
        "post": "yes",
    }
    assert operator.post("/admin/policy/blockeddomain/", action).status_code == 302
    assert not blocked.is_address_blocked("a@spam.example")


def test_a_list_is_imported_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "domains.txt"
    listed.write_text("# throwaway\nspam.example\nSPAM.example  # again\n\nbulk.example\n")
    assert "2 domains added" in run("domains", str(listed), "--reason", "throwaway", "--days", "7")
    assert "0 domains added" in run("domains", str(listed))
    row = BlockedDomain.objects.get(value="bulk.example")
    assert row.reason == "throwaway"
    assert row.until is not None
    assert row.until > timezone.now() + datetime.timedelta(days=6)
    listed.write_text("other.example\nnot a domain\n")
    with pytest.raises(CommandError, match="“not a domain” is no domain"):
        run("domains", str(listed))
    monkeypatch.setattr(models, "MOST_BLOCKED", 2)
    monkeypatch.setattr(blocked, "MOST_BLOCKED", 2)
    listed.write_text("other.example\n")
    with pytest.raises(CommandError, match="nothing was done"):
        run("domains", str(listed))
    with pytest.raises(ValidationError, match="full"):
        block(BlockedDomain, "other.example")
    with pytest.raises(CommandError, match="nothing was done"):
        run("networks", str(tmp_path / "absent"))
    assert BlockedDomain.objects.count() == 2
