"""WITHOUT switches optimizations off by the names of their folders."""

import re
import uuid
from itertools import chain
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips.actions import publish
from deploy.local import run
from kwippy.settings.switches import SWITCHES, stock_values
from tests.operations.test_checks import HEALTHY
from tests.operations.test_stock import assigned, costs
from tests.support.forked_manage import Manage
from tests.support.http import Visitor
from tests.support.site import served

PROGRAM = """
from django.conf import settings
from kwippy.settings import stock
from kwippy.settings.switches import SWITCHES
names = [name for names in SWITCHES.values() for name in names]
print(*[name for name in names if getattr(settings, name) == getattr(stock, name)])
"""


def test_every_setting_of_the_optimizations_has_one_name() -> None:
    switched = list(chain.from_iterable(SWITCHES.values()))
    assert sorted(switched) == sorted(assigned("optimizations"))
    assert all((Path(settings.BASE_DIR) / "apps" / name).is_dir() for name in SWITCHES)


@pytest.mark.parametrize("names", ["statements, dbpool, fragments", "lookaside,commandqueue"])
def test_what_is_named_has_its_stock_value_and_nothing_else_has(
    names: str, tmp_path: Path, manage: Manage
) -> None:
    environment = {**HEALTHY, "MEDIA_ROOT": str(tmp_path), "WITHOUT": names}
    told = manage("shell", "-v0", "-c", PROGRAM, **environment)
    named = names.replace(" ", "").split(",")
    assert {*told.stdout.split()} == {setting for name in named for setting in SWITCHES[name]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [("keyset", "has no switch"), ("pagecaches", "is unknown"), ("dbpool pagecache", "is unknown")],
)
def test_a_name_without_a_switch_is_refused_with_those_that_have_one(name: str, reason: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"'{name}' {reason}.* Choose from pagecache, lookaside"):
        stock_values([name])


def test_make_run_refuses_an_unknown_name_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WITHOUT", "tea")
    environment = run.environment(tmp_path, 8123, tmp_path / "run", None, ["127.0.0.1:8123"])
    process = run.spawn(["-m", "deploy.local.prepare"], environment)
    assert process.wait(60) == 1
    [line] = capfd.readouterr().out.splitlines()
    assert line.startswith("kwippy: WITHOUT=tea: 'tea' is unknown. Choose from ")


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, None),
        ({"WITHOUT": "pagecache"}, "    switched off:   pagecache"),
        ({"STOCK": "1", "WITHOUT": "pagecache"}, "    switched off:   all optimizations"),
    ],
)
def test_make_run_says_what_is_switched_off(
    variables: dict[str, str],
    line: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("STOCK", "WITHOUT"):
        monkeypatch.setenv(name, variables.get(name, ""))
    run.announce(8123, tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert [told for told in said if "switched off" in told] == ([line] if line else [])
    assert "    sign in as:     demo, password happykwipping" in said


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["pagecache", "lookaside"])
def test_a_site_without_one_of_them_shows_the_difference(name: str, memcached: str) -> None:
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    EmailAddress.objects.create(user=ann, email=ann.email, verified=True, primary=True)
    bob = User.objects.create_user("bob", "bob@example.org")
    follow(follower=ann, followee=bob)
    publish(author=bob, text="tea for two", form_key=uuid.uuid4())
    with served(memcached=memcached, workers=1, variables={"WITHOUT": name}) as port:
        anonymous, member = Visitor(port), Visitor(port)
        answers = [anonymous.get("/everyone/") for _ in range(3)]
        entered = member.post("/accounts/login/", login="ann", password="a long password")
        session = re.search(r"sessionid=(\w+)", str(entered.headers))
        assert session, entered.text
        member.cookies["sessionid"] = session[1]
        pages = [member.get("/") for _ in range(3)]
    assert all("tea for two" in answer.text for answer in [*answers, *pages])
    assert not [answer for answer in answers if "hit" in str(answer.headers["Cache-Status"])]
    queries, round_trips = costs(str(pages[-1].headers["Server-Timing"]))
    if name == "pagecache":
        assert answers[-1].headers["Cache-Status"] is None
        assert (queries, round_trips) == (2, 1), "the other optimizations are on"
    else:
        assert queries > 2, "session and user come from PostgreSQL"
        assert round_trips == 0
