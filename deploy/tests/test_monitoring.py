"""deploy/monitoring: each alert is caused, and prometheus' promtool evaluates what /metrics says."""

import datetime
import json
import re
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as site_settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.mail import EmailMessage
from django.db import OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from apps import dbpool
from apps.accounts.models import User
from apps.cachewatch.models import Watched
from apps.commandqueue.core import store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.models import Command, QueueControl, State
from apps.commandqueue.operate import metrics as queue_metrics
from apps.pagecache.cacheable import Site as Cacheable
from apps.pagecache.responses import Response
from apps.pagecache.shedding import Admission
from apps.pagecache.wsgi import PageCache, response_of
from kwippy.doctor import notes
from kwippy.observability import health, metrics

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(site_settings.BASE_DIR) / "deploy/monitoring"
RULES = {
    rule["alert"]: rule for rule in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
}
BOARD = json.loads((FOLDER / "grafana.json").read_text())
DAY = 86_400
# Minutes. An hour of before, and two of after: the longest `for` is an hour.
BEFORE, AFTER = 60, 120
EVALUATED = (100, 150)
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
type Samples = dict[str, float]


def scrape() -> Samples:
    """What prometheus would read from web and from a worker, and `up` of both."""
    found: Samples = {}
    texts = {"web": metrics.exposition(), "worker": generate_latest(queue_metrics.WORKER)}
    for process, text in texts.items():
        source = {"job": f"kwippy {process}", "instance": process}
        found[series("up", source)] = 1
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                found[series(sample.name, sample.labels | source)] = sample.value
    return found


def series(name: str, labels: dict[str, str]) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in sorted(labels.items())) + "}"


def values(name: str, before: float | None, after: float | None) -> str:
    """Promtool's notation. What grew once grows each minute; what has a value keeps it."""
    if re.match(r"\w+_(total|count|sum|bucket)\{", name):
        start = before or 0
        growth = 0 if after is None else after - start  # None: not scraped any more
        return f"{start}+{growth}x{BEFORE + AFTER}"
    # Promtool's clock begins with 1970.
    shift = time.time() if "_timestamp_" in name else 0
    first, second = (f"{value - shift}" if value is not None else "_" for value in (before, after))
    return f"{first}x{BEFORE - 1} {second}x{AFTER}"


def firing(before: Samples, after: Samples, folder: Path) -> set[str]:
    """The alerts that prometheus would send."""
    recorded = [
        {"series": name, "values": values(name, before.get(name), after.get(name))}
        for name in sorted(before.keys() | after.keys())
    ]
    expected = [
        {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []}
        for minute in EVALUATED
        for name in RULES
    ]
    test = {"interval": "1m", "input_series": recorded, "alert_rule_test": expected}
    plan = {"rule_files": [str(FOLDER / "alerts.yml")], "evaluation_interval": "1m", "tests": [test]}
    file = folder / "test.yml"
    file.write_text(json.dumps(plan))
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    # Promtool complains of each alert that was not expected; none is.
    fires = set(re.findall(r"alertname: ?(\w+), time:", said))
    assert bool(fires) == bool(done.returncode), said
    return fires


# ── What causes each ─────────────────────────────────────────────────────────────────────────────


class Site:
    """What a cause may break."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        self.monkeypatch, self.settings = monkeypatch, settings
        self.gone = ""
        self.ann = User.objects.create_user("ann", "ann@example.org", "a long password")

    def sign_in_wrongly(self, number: int) -> None:
        form = {"login": f"nobody{number}", "password": "wrong"}
        Client(REMOTE_ADDR=f"203.0.113.{number}").post("/accounts/login/", form)

    def enqueue(self, count: int, **changed: Any) -> None:
        for _ in range(count):
            EmailMessage("tea", "tea", "a@example.org", ["b@example.org"]).send(using="default")
        Command.objects.update(**changed)


def no_web(site: Site) -> None:
    site.gone = "kwippy web"


def no_worker(site: Site) -> None:
    site.gone = "kwippy worker"


def no_postgresql(site: Site) -> None:
    def down() -> list[store.QueueCount]:
        raise OperationalError("the server is gone")

    site.monkeypatch.setattr(store, "status", down)


def errors(site: Site) -> None:
    site.monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'limits' RETURNING app, name, applied")
        rows = cursor.fetchall()
        assert Client().get("/readyz").status_code == 503
        cursor.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", rows)


def slowness(site: Site) -> None:
    """A lock on a table that a page reads."""
    locked, passed = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK accounts_user IN ACCESS EXCLUSIVE MODE")
            locked.set()
            passed.wait(1.3)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait(30)
    assert Client().get("/ann/").status_code == 200
    thread.join(30)


def late_mail(site: Site) -> None:
    long_ago = timezone.now() - datetime.timedelta(seconds=900)
    site.enqueue(1, created_at=long_ago, due_at=long_ago, queue_name="now")


def stuck(site: Site) -> None:
    site.enqueue(21, attempted_at=timezone.now(), queue_name="bulk")


def paused(site: Site) -> None:
    """Its commands, which wait, are not stuck."""
    QueueControl.objects.create(queue_name="bulk", paused=True)
    stuck(site)


def dead(site: Site) -> None:
    site.enqueue(1, state=State.DEAD, finished_at=timezone.now())


def refused_mail(site: Site) -> None:
    command = store.ClaimedCommand(1, "mail", "now", "direct", 1, uuid.uuid4())
    for _ in range(6):
        queue_metrics.count(command, Outcome(State.WAITING, error={"reason": "421 not now"}))


def no_connection(site: Site) -> None:
    metrics.exposition()
    real = dbpool.stats()
    figures = next(iter(real.values()), None)
    assert figures is not None
    worse = {"default": replace(figures, timeouts=figures.timeouts + 3)}
    site.monkeypatch.setattr(dbpool, "stats", lambda: worse)


def no_memcached(site: Site) -> None:
    member = Client()
    member.force_login(site.ann)
    backend = {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": ["127.0.0.1:1"]}
    site.settings.CACHES = site.settings.CACHES | {"lookaside": backend}
    for _ in range(8):
        member.get("/")


def stale_entry(site: Site) -> None:
    Watched.objects.update_or_create(kind="user", defaults={"looked_at": 60, "stale": 3})


def guessing(site: Site) -> None:
    for number in range(1, 13):
        site.sign_in_wrongly(number)


def crowd(site: Site) -> None:
    words = "seven green teapots"
    for number in range(1, 4):
        form = {"username": f"robot{number}", "email": f"robot{number}@example.org"}
        visitor = Client(REMOTE_ADDR=f"203.0.113.{number}")
        visitor.post("/accounts/signup/", form | {"password1": words, "password2": words})


def limits_met(site: Site) -> None:
    site.settings.LIMITS = site.settings.LIMITS | {"publish": "1/1h"}
    member = Client()
    member.force_login(site.ann)
    for number in range(63):
        member.post("/kwip/", {"text": f"tea {number}", "form_key": str(uuid.uuid4())})


def crawl(site: Site) -> None:
    """Every place for a render is taken while a crawler reads on."""
    admitting = Admission(
        target=0, renders=1, patience=0, is_proxy=lambda _: False, refusal=lambda _: Response("503", [], b"")
    )
    pages = PageCache(
        WSGIHandler(),
        cache="lookaside",
        site=Cacheable(site_url="http://testserver", hosts=["testserver"], cookies=["sessionid"]),
        release="1",
        admission=admitting,
    )
    with admitting.render():
        for number in range(1, 71):
            environ = RequestFactory().get(f"/ann/kwip/{number}/", headers={"host": "testserver"}).environ
            assert response_of(pages, environ).status == "503"


def full_disk(site: Site) -> None:
    site.monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 95, 5))


def noted(name: str, days: float) -> Callable[[Site], None]:
    return lambda site: notes.write(name, notes.Note(time.time() + days * DAY))


CAUSES: dict[str, Callable[[Site], None]] = {
    "SiteDown": no_web,
    "WorkerDown": no_worker,
    "DatabaseDown": no_postgresql,
    "Errors": errors,
    "Slow": slowness,
    "MailLate": late_mail,
    "MailRefused": refused_mail,
    "CommandsStuck": stuck,
    "QueuePaused": paused,
    "DeadLetters": dead,
    "PoolExhausted": no_connection,
    "CacheDown": no_memcached,
    "CacheStale": stale_entry,
    "PasswordGuessing": guessing,
    "SignUpsJump": crowd,
    "LimitsMet": limits_met,
    "Shedding": crawl,
    "DiskFull": full_disk,
    "CertificateEnds": noted(notes.CERTIFICATE, 10),
    "BackupOld": noted(notes.BACKUP, -3),
    "BackupUntried": noted(notes.RESTORED, -70),
}
# What comes with it: the site of the test has one fault and two ways to notice it.
ALSO = {"SiteDown": {"DatabaseDown"}, "Slow": {"Errors"}, "MailLate": {"CommandsStuck"}}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Site]:
    # The routes of other tests: promtool evaluates a rule over 10,000 samples at most.
    metrics._REQUESTS.clear()
    metrics._requests_of.cache_clear()
    (tmp_path / "operations").mkdir()
    settings.OPERATIONS_ROOT = str(tmp_path / "operations")
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
    for name, days in ((notes.BACKUP, -0.5), (notes.RESTORED, -20), (notes.CERTIFICATE, 60)):
        notes.write(name, notes.Note(time.time() + days * DAY))
    Watched.objects.create(kind="user", looked_at=50)
    # As many requests as others would see: one error of a hundred is one too many.
    for _ in range(3):
        Client().get("/livez")
    usage = shutil._ntuple_diskusage(100, 40, 60)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    yield Site(monkeypatch, settings)
    queue_metrics._failing.clear()
    queue_metrics._FAILURES.clear()


@needs_promtool
@pytest.mark.parametrize("alert", RULES)
def test_an_alert_is_sent_when_its_cause_is_there_and_no_other(
    alert: str, site: Site, tmp_path: Path
) -> None:
    Client().get("/livez")
    before = scrape()
    CAUSES[alert](site)
    after = scrape()
    if site.gone:
        before, after = (
            {name: value for name, value in seen.items() if f'job="{site.gone}"' not in name}
            for seen in (before, after)
        )
    fires = firing(before, after, tmp_path)
    assert alert in fires
    # A busy machine is slow.
    assert fires - {alert, "Slow"} <= ALSO.get(alert, set())


@needs_promtool
@pytest.mark.parametrize(("name", "alert"), [(notes.BACKUP, "BackupOld"), (notes.RESTORED, "BackupUntried")])
def test_a_site_that_never_had_a_backup_sends_the_alert_too(
    name: str, alert: str, site: Site, tmp_path: Path
) -> None:
    (Path(site.settings.OPERATIONS_ROOT) / name).unlink()
    Client().get("/livez")
    before = scrape()
    assert firing(before, scrape(), tmp_path) - {"Slow"} == {alert}


@pytest.fixture
def routes_of_other_tests() -> None:
    for number in range(700):
        metrics._requests_of("GET", f"route {number}", "2xx").observe(0.01)


@needs_promtool
def test_a_site_without_a_fault_sends_no_alert(
    routes_of_other_tests: None, site: Site, tmp_path: Path
) -> None:
    before = scrape()
    for _ in range(5):
        Client().get("/about/")
    assert firing(before, scrape(), tmp_path) <= {"Slow"}


# ── Rules, board and guide ───────────────────────────────────────────────────────────────────────


def metrics_in(expression: str) -> set[str]:
    without = re.sub(r"\{[^}]*\}|by \([^)]*\)|without \([^)]*\)", "", expression)
    return set(re.findall(r"\b(?:kwippy|commandqueue)_\w+", without))


def test_every_metric_of_rules_and_board_is_one_that_the_site_has(site: Site) -> None:
    CAUSES["MailRefused"](site)
    text = metrics.exposition() + generate_latest(queue_metrics.WORKER)
    there = {re.split(r"[ {]", line)[0] for line in text.decode().splitlines() if line[:1] != "#"}
    # A counter with labels has no sample before its first event; its type is there.
    there |= {
        f"{name}_total" for name in re.findall(r"^# TYPE (\w+?)(?:_total)? counter", text.decode(), re.M)
    }
    there |= {
        f"{name}_{part}"
        for name in re.findall(r"^# TYPE (\w+) histogram", text.decode(), re.M)
        for part in ("count", "bucket", "sum")
    }
    expressions = [rule["expr"] for rule in RULES.values()]
    expressions += [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    assert len(expressions) > 30
    for expression in expressions:
        assert metrics_in(expression) <= there, expression


def test_every_alert_says_what_to_do_and_is_in_the_guide() -> None:
    guide = (Path(site_settings.BASE_DIR) / "docs/running.md").read_text()
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", guide, re.M)
    }
    assert CAUSES.keys() == RULES.keys()
    for name, rule in RULES.items():
        assert rule["annotations"].keys() == {"summary", "action", "runbook"}, name
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (path, anchor in anchors) == ("docs/running.md", True), name
        assert f"| `{name}` |" in guide, name


def test_the_board_has_one_panel_for_each_place_and_asks_the_chosen_prometheus() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(places) == len(set(places)) == 12
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {"${datasource}"}
