"""Stock settings: the same site with all five optimizations off."""

import ast
import re
import uuid
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips.actions import publish
from tests.operations.test_checks import HEALTHY
from tests.support.forked_manage import Manage
from tests.support.http import Visitor
from tests.support.site import served

SETTINGS = Path(settings.BASE_DIR) / "kwippy" / "settings"
STOCK = {"DJANGO_SETTINGS_MODULE": "kwippy.settings.stock"}


def assigned(module: str) -> set[str]:
    """The settings that a module sets itself."""
    return {
        target.id
        for node in ast.parse((SETTINGS / f"{module}.py").read_text()).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def test_every_setting_that_an_optimization_sets_has_its_stock_value_and_no_other_does() -> None:
    assert assigned("optimizations") == assigned("stock")
    assert len(assigned("stock")) == 14


def test_stock_settings_pass_the_checks_and_name_djangos_own_backends(tmp_path: Path, manage: Manage) -> None:
    environment = {**HEALTHY, **STOCK, "MEDIA_ROOT": str(tmp_path)}
    done = manage("check", "--deploy", "--fail-level", "WARNING", **environment)
    assert done.returncode == 0, done.stderr
    program = (
        "from django.conf import settings as s;"
        "of = lambda name, alias='default': getattr(s, name)[alias]['BACKEND'];"
        "print(s.DATABASES['default']['ENGINE'], of('TASKS'), of('MAILERS'), s.SESSION_ENGINE, s.PAGECACHE,"
        " of('CACHES', 'lookaside'))"
    )
    told = manage("shell", "-v0", "-c", program, **environment)
    assert told.stdout.split() == [
        "django.db.backends.postgresql",
        "django.tasks.backends.immediate.ImmediateBackend",
        "django.core.mail.backends.smtp.EmailBackend",
        "django.contrib.sessions.backends.db",
        "None",
        "apps.lookaside.backends.NoLookaside",
    ], told.stderr


def costs(timing: str) -> tuple[int, int]:
    """The queries, and the round trips to memcached, of a `Server-Timing`."""
    found = re.search(r'sql;desc="(\d+) queries".*cache;desc="(\d+) round trips', timing)
    assert found, timing
    return int(found[1]), int(found[2])


@pytest.mark.django_db(transaction=True)
def test_the_main_pages_work_on_stock_settings_and_cost_more(memcached: str) -> None:
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    EmailAddress.objects.create(user=ann, email=ann.email, verified=True, primary=True)
    bob = User.objects.create_user("bob", "bob@example.org")
    follow(follower=ann, followee=bob)
    kwip = publish(author=bob, text="tea for two", form_key=uuid.uuid4()).kwip
    timings = {}
    for variables in ({}, STOCK):
        with served(memcached=memcached, workers=1, variables=variables) as port:
            anonymous, member = Visitor(port), Visitor(port)
            for path in ("/", "/everyone/", "/bob/", f"/bob/kwip/{kwip.pk}/"):
                for _ in range(3):
                    page = anonymous.get(path)
                    assert page.status == 200, path
                    assert "tea for two" in page.text, path
            entered = member.post("/accounts/login/", login="ann", password="a long password")
            assert entered.status == 302, entered.text
            session = re.search(r"sessionid=(\w+)", str(entered.headers))
            assert session
            member.cookies["sessionid"] = session[1]
            text = f"written with {len(variables)}"
            sent = member.post("/kwip/", text=text, form_key=str(uuid.uuid4()))
            assert sent.status == 302, sent.text
            for path in ("/", "/everyone/"):
                for _ in range(3):
                    page = member.get(path)
                    assert "tea for two" in page.text, path
                    assert text in page.text, path
                timings[len(variables), path] = costs(page.headers["Server-Timing"])
    for path in ("/", "/everyone/"):
        ours, stock = timings[0, path], timings[1, path]
        assert stock[0] >= ours[0] + 2, "session and user come from PostgreSQL"
        assert (ours[1] > 0, stock[1]) == (True, 0), "and nothing from memcached"
