"""Who asks, at which addresses, and what each request would have written."""

import re
import uuid
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts import invitations
from apps.accounts.models import Invitation
from apps.archive.models import Export
from apps.moderation import actions as moderation
from apps.moderation.models import Reason, What
from apps.tokens.models import Token
from apps.tokens.tests.conftest import token_of
from tests.privacy.addresses import ADMIN, Address, addresses, patterns
from tests.privacy.world import ANONYMOUS, AUTHOR, MODERATOR, World, built
from tests.support.people import member

SUSPENDED = "sue"
OPERATOR = "opal"
STRANGER, FOLLOWER, BLOCKED = "zoe", "fay", "bob"
ROLES = (ANONYMOUS, SUSPENDED, STRANGER, FOLLOWER, BLOCKED, AUTHOR, MODERATOR, OPERATOR)


class Cast:
    """One client for each role, and the author's things."""

    def __init__(self) -> None:
        self.world = built()
        people = self.world.people
        people[SUSPENDED] = member(SUSPENDED)
        people[OPERATOR] = member(OPERATOR, is_staff=True, is_superuser=True)
        people[OPERATOR].groups.add(Group.objects.get_or_create(name="operators")[0])
        self.clients = {name: Client(raise_request_exception=False) for name in ROLES}
        for name in ROLES[1:]:
            self.clients[name].force_login(people[name])
        self.clients[AUTHOR].get("/settings/")  # lists the session
        self._own()
        by = people[MODERATOR]
        moderation.act(what=What.SUSPEND, person=people[SUSPENDED], by=by, reason=Reason.SPAM)

    def _own(self) -> None:
        ann = self.world.author
        token_of(ann)
        export = Export.objects.create(person=ann, section="kwips")
        session = UserSession.objects.create(user=ann, ip="192.0.2.1", session_key="x" * 32, user_agent="")
        secret = invitations.invite(inviter=ann, note="", form_key=uuid.uuid4())
        self.world.owned = {
            "token_id": str(Token.objects.get(owner=ann).pk),
            "export_id": str(export.pk),
            "session_id": str(session.pk),
            "invitation_id": str(Invitation.objects.get().pk),
            "token": secret,
        }

    def ask(self, role: str, method: str, path: str, **options: Any) -> tuple[Any, set[str]]:
        """The answer, and the tables that were written. All of it is rolled back."""
        block = transaction.atomic()
        block._from_testcase = True  # type: ignore[attr-defined]  # what is durable may begin in it
        with block:
            before = rows_written()
            client = self.clients[role]
            cookies = deepcopy(client.cookies)
            response = client.generic(method, path, **options)
            client.cookies = cookies
            written = {table for table, rows in rows_written().items() if rows != before.get(table, 0)}
            transaction.set_rollback(True)
        return response, written


def rows_written() -> dict[str, int]:
    """By table, how many rows this connection wrote that it has not reported yet, rolled back or not."""
    with connection.cursor() as cursor:
        # As pg_stat_xact_user_tables, which would also sum up the reads of each index: 2 ms.
        cursor.execute(
            "SELECT relname, rows FROM pg_class, LATERAL (SELECT pg_stat_get_xact_tuples_inserted(oid)"
            " + pg_stat_get_xact_tuples_updated(oid) + pg_stat_get_xact_tuples_deleted(oid) AS rows)"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND rows > 0"
        )
        return dict(cursor.fetchall())


def one_of_each(world: World) -> Iterator[Address]:
    """For each pattern its first address, which is about a thing of the author's."""
    for pattern in patterns():
        yield next(iter(addresses(pattern, world)))


def admin_paths() -> Iterator[str]:
    """Each address of the admin, with 1 for every argument."""

    def walk(resolver: URLResolver, before: str) -> Iterator[str]:
        for found in resolver.url_patterns:
            path = before + str(found.pattern)
            if isinstance(found, URLPattern):
                yield path
            else:
                yield from walk(found, path)

    [admin] = [found for found in get_resolver().url_patterns if str(found.pattern) == ADMIN]
    assert isinstance(admin, URLResolver)
    for path in walk(admin, "/admin/"):
        yield re.sub(r"<[^>]+>", "1", path)
