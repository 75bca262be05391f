"""Programs with tokens, and what the rest of the site decides: suspensions, warnings, logs."""

import logging
from typing import Any

import pytest
from django.test import Client

from apps.accounts import leaving
from apps.accounts.models import User
from apps.moderation import actions as moderation
from apps.moderation.models import Reason, What
from apps.tokens import actions
from apps.tokens.tests.conftest import Program, token_of
from kwippy.observability import metrics
from tests.support.people import member


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def program(ann: User) -> Program:
    return Program(token_of(ann))


def test_tokens_of_who_is_suspended_or_leaving_rest_until_they_are_back(ann: User, program: Program) -> None:
    def tried() -> list[int]:
        return [program.get().status_code, program.post({"text": "x"}, key="k").status_code]

    opera = member("opera", is_staff=True, is_superuser=True)
    reason: dict[str, Any] = {"reason": Reason.OTHER, "words": ""}
    moderation.act(what=What.SUSPEND, person=ann, by=opera, **reason)
    assert tried() == [403, 403]
    assert "switched off" in program.get().json()["error"]
    moderation.act(what=What.RESTORE, person=ann, by=opera, **reason)
    leaving.leave(user=ann)
    assert tried() == [403, 403]
    row = leaving.of_person(ann)
    assert row is not None
    leaving.come_back(leaving=row)
    assert tried() == [200, 201]


def test_a_moderators_warning_is_read_first(ann: User, program: Program) -> None:
    opera = member("opera", is_staff=True, is_superuser=True)
    moderation.act(what=What.WARN, person=ann, by=opera, reason=Reason.OTHER, words="no spam, please")
    answer = program.post({"text": "x"})
    assert answer.status_code == 403
    assert "/moderation/warning/" in answer.json()["error"]


def test_neither_log_lines_nor_metrics_have_the_token(
    ann: User, program: Program, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    program.get(f"/api/network/?access_token={program.secret}")
    program.post({"text": ""})
    actions.revoke_all(owner=ann)
    program.get()
    monkeypatch.setattr("apps.tokens.queries.by_digest", lambda digest: 1 / 0)
    client = Client(raise_request_exception=False, headers=program.headers)
    failed = client.get("/api/network/")
    assert (failed.status_code, failed["Content-Type"]) == (500, "application/json")
    assert "ZeroDivisionError" in caplog.text
    told = caplog.text + str([record.__dict__ for record in caplog.records if not record.exc_info])
    for text in (told, metrics.exposition().decode(), failed.content.decode()):
        assert program.secret[7:] not in text
    assert "api_network" in metrics.exposition().decode()
