"""People with tokens, and programs that send them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.tokens import actions, secret
from apps.tokens.models import Scope
from tests.support.people import member

BOTH = Scope.WRITE_KWIPS | Scope.READ_NETWORK


def token_of(owner: User, scope: Scope = BOTH, name: str = "a script") -> str:
    """The secret of a new token."""
    return actions.make(
        owner=owner, name=name, scope=scope, form_key=secret.new_key(), tell=lambda token: None
    )


@dataclass
class Program:
    """A client that sends a token, and neither cookies nor anything else that a browser does."""

    secret: str

    def post(self, data: Any, *, key: str | None = None, **options: Any) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        options = {"content_type": "application/json"} | options
        return Client(enforce_csrf_checks=True).post(
            "/api/kwips/", data, headers=self.headers | headers, **options
        )

    def get(self, path: str = "/api/network/") -> Any:
        return Client().get(path, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def program(ann: User) -> Program:
    return Program(token_of(ann))


@pytest.fixture
def limited(settings: Any) -> Callable[..., None]:
    """Sets rates of limits."""

    def limit(**rates: str) -> None:
        settings.LIMITS = settings.LIMITS | rates

    return limit
