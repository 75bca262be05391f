"""Reports of browsers: counted by kind, within bounds, and nothing private kept."""

import json
import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.cspreports import actions, views
from apps.cspreports.models import Violation
from apps.cspreports.parsing import DIRECTIVES, MOST_AT_ONCE, JunkError, Kind, kinds

HOST = "testserver"
ADDRESS = "/csp-reports/"


def legacy(**fields: str) -> dict[str, Any]:
    """A report as `report-uri` gets it."""
    return {
        "csp-report": {
            "document-uri": f"http://{HOST}/ann/kwip/7/?q=secret",
            "referrer": f"http://{HOST}/messages/bob/",
            "violated-directive": "script-src-elem",
            "effective-directive": "script-src-elem",
            "blocked-uri": "https://evil.example/steal.js?key=secret",
            "script-sample": "alert('secret')",
            **fields,
        }
    }


def modern(**fields: str) -> dict[str, Any]:
    """A report as `report-to` gets it."""
    return {
        "type": "csp-violation",
        "age": 10,
        "url": f"http://{HOST}/ann/",
        "user_agent": "Mozilla/5.0",
        "body": {
            "documentURL": f"http://{HOST}/ann/",
            "effectiveDirective": "img-src",
            "blockedURL": "https://pictures.example:8443/secret.png",
            "disposition": "enforce",
            **fields,
        },
    }


def send(client: Client, sent: object, content_type: str = "application/csp-report", **headers: str) -> int:
    body = sent if isinstance(sent, (str, bytes)) else json.dumps(sent)
    return client.post(ADDRESS, body, content_type=content_type, headers=headers).status_code


def rows() -> dict[Kind, int]:
    return {Kind(row.directive, row.blocked, row.page): row.count for row in Violation.objects.all()}


SCRIPT = Kind("script-src-elem", "evil.example", "<person:username>/kwip/<kwip_id:kwip_id>/")
PICTURE = Kind("img-src", "pictures.example:8443", "<person:username>/")


@pytest.mark.django_db
def test_both_forms_of_reports_are_counted_by_kind() -> None:
    anyone = Client(enforce_csrf_checks=True)
    for _ in range(3):
        assert send(anyone, legacy()) == 204
    assert send(anyone, [modern(), modern(), legacy()], "application/reports+json") == 204
    named = {kind: count for kind, count in rows().items() if kind != actions.OTHERS}
    assert named == {SCRIPT: 4, PICTURE: 2}


@pytest.mark.django_db
def test_of_a_report_only_its_kind_is_kept() -> None:
    assert send(Client(headers={"user-agent": "secret"}), legacy()) == 204
    assert send(Client(), [modern()], "application/reports+json") == 204
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(violation::text, '') FROM cspreports_violation violation")
        [kept] = cursor.fetchone()
    for private in ("secret", "ann", "bob", "steal", "Mozilla", "127.0.0.1"):
        assert private not in kept


@pytest.mark.parametrize(
    ("blocked", "kept"),
    [
        ("inline", "inline"),
        ("eval", "eval"),
        ("", ""),
        (f"http://{HOST}/somewhere/secret/", "self"),
        (f"HTTP://{HOST.upper()}/", "self"),
        ("https://ann:password@evil.example/", "evil.example"),
        ("data:image/png;base64,secret", "data"),
        ("data", "data"),
        ("chrome-extension://abcdef/a.js", "extension"),
        ("moz-extension", "extension"),
        ("gopher:secret", "other"),
        ("https://<script>/", "other"),
        ("https://" + "a" * 300 + "/", "a" * 120),
    ],
)
def test_what_was_blocked_is_a_host_or_a_word(blocked: str, kept: str) -> None:
    body = json.dumps(legacy(**{"blocked-uri": blocked})).encode()
    assert [kind.blocked for kind in kinds(body, host=HOST)] == [kept]


def test_what_an_extension_did_is_one_kind() -> None:
    sent = [
        modern(sourceFile="chrome-extension://x/a.js", blockedURL="inline"),
        modern(blockedURL="moz-extension://y"),
    ]
    assert {kind.blocked for kind in kinds(json.dumps(sent).encode(), host=HOST)} == {"extension"}


def test_a_page_that_is_none_is_told_without_its_address() -> None:
    body = json.dumps(legacy(**{"document-uri": f"http://{HOST}/no/such/page/secret/"})).encode()
    assert [kind.page for kind in kinds(body, host=HOST)] == ["(no page)"]


def test_other_reports_of_a_browser_are_left_out_and_a_few_are_read_at_once() -> None:
    others = [{"type": "deprecation", "body": {"id": "x"}}, modern()]
    assert len(kinds(json.dumps(others).encode(), host=HOST)) == 1
    assert len(kinds(json.dumps([modern()] * 50).encode(), host=HOST)) == MOST_AT_ONCE


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"nothing",
        b"\xff\xfe",
        b"[" * 9_000,
        b"NaN",
        {},
        [7],
        {"csp-report": []},
        {"csp-report": {}},
        legacy(**{"effective-directive": "steal-src"}),
        legacy(**{"document-uri": "http://other.example/"}),
        legacy(**{"document-uri": "about:blank"}),
        legacy(**{"document-uri": "http://[x/"}),
        legacy(**{"blocked-uri": "http://[x/"}),
        {"csp-report": {**legacy()["csp-report"], "blocked-uri": 7}},
    ],
)
def test_junk_is_an_error(sent: object) -> None:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    with pytest.raises(JunkError):
        kinds(body, host=HOST)


@pytest.mark.django_db
def test_what_is_no_report_is_refused_and_stores_nothing() -> None:
    anyone = Client()
    assert send(anyone, b"nothing") == 400
    assert send(anyone, {"csp-report": {}}) == 400
    assert send(anyone, legacy(), "text/plain") == 415
    assert send(anyone, legacy(), "multipart/form-data; boundary=x") == 415
    assert send(anyone, b"x" * (views.MOST_BYTES + 1)) == 413
    assert anyone.get(ADDRESS).status_code == 405
    without = anyone.generic("POST", ADDRESS, b"", content_type="application/csp-report", CONTENT_LENGTH="")
    assert without.status_code == 411
    assert not Violation.objects.exists()


@pytest.mark.django_db
def test_a_body_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views.parsing, "kinds", lambda *_, **__: pytest.fail("it was read"))
    for length in ("16385", "9" * 400):
        answer = Client().generic(
            "POST", ADDRESS, b"x", content_type="application/csp-report", CONTENT_LENGTH=length
        )
        assert answer.status_code == 413


@pytest.fixture
def limited(settings: LazySettings) -> None:
    settings.LIMITS = settings.LIMITS | {"csp_report": "2/1m", "csp_reports": "3/1m"}


@pytest.mark.django_db
@pytest.mark.usefixtures("limited")
def test_one_network_and_all_together_are_limited_before_anything_is_read() -> None:
    anyone = Client()
    statuses = [send(anyone, legacy()) for _ in range(3)]
    assert statuses == [204, 204, 429]
    assert send(anyone, b"junk") == 429
    others = [Client(REMOTE_ADDR=f"192.0.2.{number}") for number in (1, 2)]
    assert [send(other, legacy()) for other in others] == [204, 429]
    refused = anyone.post(ADDRESS, json.dumps(legacy()), content_type="application/csp-report")
    assert int(refused["Retry-After"]) > 0
    assert rows()[SCRIPT] == 3


@pytest.mark.django_db
def test_the_number_of_rows_is_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST", 3)
    actions.count(kinds=[Kind("img-src", f"{number}.example", "") for number in range(10)])
    assert Violation.objects.count() == 4
    assert rows()[actions.OTHERS] == 7
    actions.count(kinds=[Kind("img-src", "0.example", "")])
    assert rows()[Kind("img-src", "0.example", "")] == 2


@pytest.mark.django_db
def test_a_kind_that_nobody_reports_any_more_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST", 1)
    actions.count(kinds=[PICTURE])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cspreports_violation SET last_at = now() - interval '31 days'")
    actions.count(kinds=[SCRIPT])
    assert set(rows()) == {SCRIPT, actions.OTHERS}


@pytest.mark.django_db
def test_invented_kinds_make_room_after_an_hour_those_of_the_fewest_reports_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actions, "MOST", 3)
    invented = [Kind("img-src", f"{number}.example", "") for number in range(2)]
    actions.count(kinds=[PICTURE] * 5 + [*invented, invented[1]])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cspreports_violation SET first_at = now() - interval '61 minutes'")
    actions.count(kinds=[SCRIPT])
    assert rows() == {PICTURE: 5, invented[1]: 2, SCRIPT: 1, actions.OTHERS: 1}
    # What came just now stays, though it has fewer reports.
    actions.count(kinds=[Kind("img-src", "more.example", "")])
    assert rows() == {PICTURE: 5, SCRIPT: 1, Kind("img-src", "more.example", ""): 1, actions.OTHERS: 3}


@pytest.mark.django_db(transaction=True)
def test_at_once_no_report_is_lost_and_no_row_is_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST", 4)
    start = threading.Barrier(8)

    def one(number: int) -> None:
        start.wait()
        actions.count(kinds=[Kind("img-src", f"{(number + step) % 8}.example", "") for step in range(8)])
        connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = rows()
    assert sum(found.values()) == 64
    assert len(found) == 5


@pytest.mark.django_db
def test_the_evening_figures_and_the_admin_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sitestatus")
    assert "page policy  no browser reported" in capsys.readouterr().out
    actions.count(kinds=[SCRIPT, SCRIPT, PICTURE])
    call_command("sitestatus")
    assert "page policy  2 kinds of violations, 3 reports" in capsys.readouterr().out
    operator = Client()
    operator.force_login(User.objects.create_superuser("ops", "ops@example.org"))
    listed = operator.get("/admin/cspreports/violation/")
    assert "evil.example" in listed.text
    assert "&lt;person:username&gt;/" in listed.text
    row = Violation.objects.get(blocked="evil.example")
    assert operator.get(f"/admin/cspreports/violation/{row.pk}/change/").status_code == 200
    assert operator.post("/admin/cspreports/violation/add/").status_code == 403


def test_the_policy_names_this_address(settings: LazySettings) -> None:
    assert settings.REPORTS == reverse("csp_reports") == ADDRESS
    assert set(settings.SECURE_CSP) - {"report-uri", "report-to"} <= DIRECTIVES
