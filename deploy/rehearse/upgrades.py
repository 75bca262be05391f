"""Upgrade and rollback under load, rotation of the secret key, and scaling."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from deploy.rehearse.kills import writers
from deploy.rehearse.load import WRITERS, Load
from deploy.rehearse.stack import DOMAIN, RehearsalError, Stack, run, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor, publish, sign_in

TYPE = (
    "SELECT data_type FROM information_schema.columns WHERE table_name = 'kwips_kwip' AND column_name = '{}'"
)

# The next release adds a column that it does not use yet.
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("contact", "{leaf}")]
    operations = [migrations.AddField("message", "rehearsed", models.TextField(null=True))]
"""
# The release after it changes the type of a column that prepared statements read.
RETYPE = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("kwips", "{leaf}")]
    operations = [migrations.RunSQL("ALTER TABLE kwips_kwip ALTER COLUMN comments_count TYPE bigint", "")]
"""


def play(stack: Stack, operator: Operator) -> None:
    first = stack.setting("IMAGE_TAG") or "latest"
    ann = Visitor(stack.https)
    sign_in(ann, "ann")
    with Load(stack, writers(stack)) as load:
        wait_for(lambda: load.acknowledged, "a kwip to be acknowledged", "web")
        make_next_release(stack, operator, "contact", MIGRATION)
        second = stack.setting("IMAGE_TAG")
        with lock_in_the_way(stack):
            told = roll(
                stack,
                load,
                "upgrade with a migration",
                lambda: operator.follow("Upgrade", only="deploy/upgrade"),
            )
        if "A migration could not take a lock" not in told:
            raise RehearsalError(f"the migration did not have to wait for its lock:\n{told}")
        if "rehearsed" not in stack.sql("SELECT column_name FROM information_schema.columns"):
            raise RehearsalError("the migration was not applied", "migrate")
        roll(stack, load, "rollback", lambda: operator.follow("Roll back", names={"IMAGE_TAG": first}))
        operator.set(IMAGE_TAG=second)
        killed(stack, load, operator)
        make_next_release(stack, operator, "kwips", RETYPE)
        roll(
            stack,
            load,
            "upgrade with another type",
            lambda: operator.follow("Upgrade", only="deploy/upgrade"),
        )
        if stack.sql(TYPE.format("comments_count")).strip() != "bigint":
            raise RehearsalError("the column has its old type", "migrate")
        new_key(stack, load, ann)
        scale(stack, load, operator)
    print(f"{load.check_acknowledged()} kwips were acknowledged meanwhile: all are there, none twice")
    day_to_day(stack, operator)
    lose_secrets(stack, operator, ann)


def make_next_release(stack: Stack, operator: Operator, app: str, migration: str) -> None:
    """Commits one more migration and builds its image, by the guide."""
    folder = f"apps/{app}/migrations"
    leaf = max(path.stem for path in (stack.origin / folder).glob("0*.py"))
    stack.publish(f"{app} changes", **{f"{folder}/9999_rehearsal.py": migration.format(leaf=leaf)})
    operator.follow("Upgrade", only="git pull")
    operator.follow("Upgrade", only="deploy/build")


def killed(stack: Stack, load: Load, operator: Operator) -> None:
    """An upgrade is killed while both releases serve requests, and is run again."""
    moment = time.monotonic()
    process = subprocess.Popen(
        ["deploy/upgrade"],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: len(stack.containers("web")) == 2, "two releases of web", "web")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    roll(stack, load, "the same again", lambda: operator.follow("Upgrade", only="deploy/upgrade"))
    count = load.clean(moment, "a killed upgrade", "web")
    if (found := len(stack.containers("web"))) != 1:
        raise RehearsalError(f"a killed upgrade, run again, leaves {found} of web", "web")
    print(f"a killed upgrade, run again: one of web as before; 0 of {count} requests failed")


@contextlib.contextmanager
def lock_in_the_way(stack: Stack) -> Iterator[None]:
    """Holds a lock that a migration needs for longer than its lock timeout."""
    reads = "BEGIN; LOCK contact_message IN ACCESS SHARE MODE; SELECT pg_sleep(300)"
    waits = "application_name = 'kwippy migrate' AND wait_event_type = 'Lock'"
    ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = '{reads}'"

    def leave() -> None:
        try:
            waiting = f"SELECT 1 FROM pg_stat_activity WHERE {waits}"
            wait_for(lambda: stack.sql(waiting), "a migration that waits for its lock", "postgres")
            time.sleep(3)  # longer than DATABASE_LOCK_TIMEOUT_MS
        finally:
            stack.sql(ends)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(
            stack.exec, "postgres", "psql", "-U", "postgres", "-d", "kwippy", "-c", reads, check=False
        )
        there = f"SELECT 1 FROM pg_stat_activity WHERE query = '{reads}' AND wait_event = 'PgSleep'"
        wait_for(lambda: stack.sql(there), "the held lock", "postgres")
        leaving = pool.submit(leave)
        yield
        leaving.result()


def roll(stack: Stack, load: Load, what: str, upgrade: Callable[[], str]) -> str:
    """Upgrades without a failed request; returns the output of the script."""
    moment = time.monotonic()
    told = upgrade()
    seconds = time.monotonic() - moment
    release = stack.setting("IMAGE_TAG")
    count = load.clean(moment, what, "web")
    for service in ("web", "worker"):
        for container in stack.containers(service):
            if (image := stack.inspect(container)["Config"]["Image"]) != f"{stack.name}:{release}":
                raise RehearsalError(f"{service} runs {image}", service)
    print(f"{what}: {seconds:.0f} s; 0 of {count} requests failed")
    return told


def new_key(stack: Stack, load: Load, ann: Visitor) -> None:
    """No request fails during the rotation, and sessions stay valid."""
    moment = time.monotonic()
    stack.script("deploy/rotate")
    count = load.clean(moment, "a new secret key", "web")
    if (status := ann.get("/kwip/").status) != 200:
        raise RehearsalError(f"ann was signed out by the new key: {status}", "web")
    print(f"a new secret key: sessions stay valid; 0 of {count} requests failed")


def scale(stack: Stack, load: Load, operator: Operator) -> None:
    """Two containers of web and of worker; both get requests."""
    moment = time.monotonic()
    operator.follow("More of them", only="docker-compose up")
    for service in ("web", "worker"):
        wait_for(
            lambda service=service: stack.healthy(service) and len(stack.containers(service)) == 2,  # type: ignore[misc]
            f"two of {service}",
            service,
        )
    operator.follow("More of them", only="docker-compose exec")
    both_answer(stack)
    count = load.clean(moment, "two of each", "web")
    print(f"two of web and worker: both get requests; 0 of {count} requests failed")


def both_answer(stack: Stack) -> None:
    """Requests uncached pages until each container of web has logged one of them."""
    visitor, asked = Visitor(stack.https), set()
    containers = stack.containers("web")

    def answered() -> bool:
        for _ in range(4):
            asked.add(visitor.get("/accounts/login/?next=/").headers["X-Request-ID"])
        logs = [run("docker", "logs", container) for container in containers]
        return all(any(one in log.stdout + log.stderr for one in asked) for log in logs)

    wait_for(answered, "requests to both of web", "nginx")


def under_attack(stack: Stack, operator: Operator) -> None:
    """The forms ask for a puzzle as soon as the first line was typed, and no longer after the last."""
    for hours, is_asked in (("24", True), ("0", False)):
        operator.follow(
            "Under attack", only=f"docker-compose exec worker python manage.py underattack {hours}"
        )
        if ('name="puzzle"' in Visitor(stack.https).get("/contact/").text) != is_asked:
            raise RehearsalError(f"after underattack {hours} /contact/ is as it was before", "web")


def day_to_day(stack: Stack, operator: Operator) -> None:
    """Maintenance by the guide; the page stays while nginx restarts."""
    visitor = Visitor(stack.https)
    day = "From day to day"
    operator.follow(day, only="docker-compose exec worker")
    operator.follow(day, only="docker-compose exec postgres", answers=[("kwippy=#", "\\q")])
    (operator.place / "list.txt").write_text("throwaway.example\n")
    operator.follow("Blocked e-mail domains and networks")
    under_attack(stack, operator)
    operator.follow("Once, after the upgrade to a release with search")
    operator.follow("When someone misbehaves", names={"NAME": f"writer{WRITERS - 1}"})
    page = f"/writer{WRITERS - 1}/"
    wait_for(lambda: visitor.get(page).status in (404, 410), "no page of a person who is off", "web")
    operator.follow("PostgreSQL's log has no values")
    look_around(stack, operator)
    operator.follow(day, only="deploy/maintenance on")
    for again in (False, True):
        if again:
            stack.compose("restart", "nginx")
            wait_for(lambda: stack.healthy("nginx"), "nginx again", "nginx")
        answer = visitor.post("/kwip/", {"text": "anything"})
        told = (answer.status, answer.headers.get("Retry-After"), "back in a moment" in answer.text)
        if told != (503, "30", True):
            raise RehearsalError(f"maintenance is answered with {answer.status} {answer.headers}", "nginx")
    operator.follow(day, only="deploy/maintenance off")
    if (status := visitor.get("/about/").status) != 200:
        raise RehearsalError(f"after maintenance /about/ is answered with {status}", "nginx")


def look_around(stack: Stack, operator: Operator) -> None:
    """The doctor, the status, and a link for a person whose password is lost; memcached down is noticed."""
    operator.follow("While mail is down", names={"NAME": "ann"})
    lose_factor(stack, operator)
    told = operator.follow("The doctor", names={"ADDRESS": f"ann@{DOMAIN}"})
    for what in (
        "ok           postgresql",
        "ok           site",
        "ok           restored",
        "ok           mail message",
    ):
        if what not in told:
            raise RehearsalError(f"the doctor does not say {what!r}:\n{told}")
    shown = operator.follow("One screen")
    if "sign-ups" not in shown or " requests met a limit" not in shown:
        raise RehearsalError(f"the status lacks its figures:\n{shown}")
    operator.follow("A mail a day", names={"PATH": str(stack.folder)})
    stack.compose("stop", "memcached")
    done = run("deploy/doctor", check=False, cwd=stack.folder, env=stack.environment)
    stack.compose("up", "-d", "memcached")
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    if done.returncode != 1 or not any("memcached" in line for line in wrong):
        raise RehearsalError(f"a stopped memcached is not noticed:\n{done.stdout}{done.stderr}")
    print("doctor: well; and a stopped memcached is WRONG")


def lose_factor(stack: Stack, operator: Operator) -> None:
    """A person who has a second factor loses it: the wait begins. Afterwards all is as before."""
    stack.sql(
        "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
        " SELECT id, 'recovery_codes', '{}', now() FROM accounts_user WHERE username = 'ann'"
    )
    told = operator.follow("When someone has lost the second factor", names={"NAME": "ann"})
    waits = stack.sql("SELECT count(*) FROM accounts_factorreset").strip()
    if "ann is mailed" not in told or waits != "1":
        raise RehearsalError(f"the loss of a second factor is not handled: {told}", "worker")
    stack.sql("DELETE FROM accounts_factorreset; DELETE FROM mfa_authenticator")


def lose_secrets(stack: Stack, operator: Operator, ann: Visitor) -> None:
    """Replaces all secrets: every session ends, and nothing else is lost."""
    shutil.rmtree(stack.folder / "secrets")
    operator.follow("The first start", only="make secrets")
    operator.follow("Secrets")
    operator.follow("The first start", only="docker-compose up")
    wait_for(lambda: stack.healthy("web") and stack.healthy("nginx"), "the site with new secrets", "web")
    if ann.get("/kwip/").status == 200:
        raise RehearsalError("a lost key still lets people in", "web")
    again = Visitor(stack.https)
    sign_in(again, "ann")
    publish(again, "ann", "the secrets are new")
    print("secrets/ lost: all sign in anew, and nothing else is lost")
