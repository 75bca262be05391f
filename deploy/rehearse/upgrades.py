"""The next release under load, and back; a secret that changes; more of the same."""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from deploy.rehearse.kills import writers
from deploy.rehearse.load import Load
from deploy.rehearse.stack import RehearsalError, Stack, run, until
from deploy.rehearse.visitor import Visitor, sign_in

# The next release: one more column, as a release that widens the tables before it uses them would have it.
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("contact", "{leaf}")]
    operations = [migrations.AddField("message", "rehearsed", models.TextField(null=True))]
"""
LEAF = "ls apps/contact/migrations | grep '^0' | sort | tail -n 1"


def play(stack: Stack) -> None:
    first, second = stack.release, f"{stack.release}-next"
    make_next_release(stack, second)
    ann = Visitor(stack.https)
    sign_in(ann, "ann")
    with Load(stack, writers(stack)) as load:
        until(lambda: load.acknowledged, 20, "a kwip to be acknowledged", "web")
        with somebody_in_the_way(stack):
            told = roll(stack, load, "upgrade with a migration", second)
        if "Somebody holds a lock" not in told:
            raise RehearsalError(f"the migration did not have to wait for its lock:\n{told}")
        if "rehearsed" not in stack.sql("SELECT column_name FROM information_schema.columns"):
            raise RehearsalError("the migration was not applied", "migrate")
        roll(stack, load, "rollback", first)
        new_key(stack, load, ann)
        scale(stack, load)
        maintenance(stack)
    print(f"{load.nothing_lost()} kwips were acknowledged meanwhile: all are there, none twice")


def make_next_release(stack: Stack, release: str) -> None:
    """An image like ours with one migration more."""
    image = stack.images[0]
    leaf = run("docker", "run", "--rm", image, "sh", "-c", LEAF).stdout.strip().removesuffix(".py")
    folder = stack.folder / "next"
    folder.mkdir()
    (folder / "9999_rehearsal.py").write_text(MIGRATION.format(leaf=leaf))
    lines = [f"FROM {image}", "COPY 9999_rehearsal.py apps/contact/migrations/", f"ENV RELEASE={release}"]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    stack.images.append(f"kwippy:{release}")
    run("docker", "build", "--tag", stack.images[-1], str(folder))


@contextlib.contextmanager
def somebody_in_the_way(stack: Stack) -> Iterator[None]:
    """Reads a table that a migration wants to change, for longer than it may keep others waiting."""
    reads = "BEGIN; LOCK contact_message IN ACCESS SHARE MODE; SELECT pg_sleep(300)"
    waits = "application_name = 'kwippy migrate' AND wait_event_type = 'Lock'"
    ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = '{reads}'"

    def leave() -> None:
        try:
            waiting = f"SELECT 1 FROM pg_stat_activity WHERE {waits}"
            until(lambda: stack.sql(waiting), 60, "a migration that waits for its lock", "postgres")
            time.sleep(3)  # longer than DATABASE_LOCK_TIMEOUT_MS
        finally:
            stack.sql(ends)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(
            stack.exec, "postgres", "psql", "-U", "postgres", "-d", "kwippy", "-c", reads, check=False
        )
        leaving = pool.submit(leave)
        yield
        leaving.result()


def roll(stack: Stack, load: Load, what: str, release: str) -> str:
    """Have the site run a release, with nobody noticing. Returns what the script told."""
    stack.set(RELEASE=release)
    load.forgive()
    moment = time.monotonic()
    told = stack.script("deploy/upgrade")
    seconds = time.monotonic() - moment
    time.sleep(2)
    count = load.clean(moment, what, "web")
    for service in ("web", "worker"):
        for container in stack.containers(service):
            if (image := stack.inspect(container)["Config"]["Image"]) != f"kwippy:{release}":
                raise RehearsalError(f"{service} runs {image}", service)
    print(f"{what}: {seconds:.0f} s; 0 of {count} requests failed")
    return told


def new_key(stack: Stack, load: Load, ann: Visitor) -> None:
    """Nobody is refused while the key changes, and who was signed in before still is."""
    load.forgive()
    moment = time.monotonic()
    stack.script("deploy/rotate")
    count = load.clean(moment, "a new secret key", "web")
    if (status := ann.get("/kwip/").status) != 200:
        raise RehearsalError(f"ann was signed out by the new key: {status}", "web")
    print(f"a new secret key: whoever was signed in still is; 0 of {count} requests failed")


def scale(stack: Stack, load: Load) -> None:
    """Two of each, both of which are asked; and one again."""
    load.forgive()
    moment = time.monotonic()
    stack.compose(
        "up", "-d", "--no-deps", "--no-recreate", "--scale", "web=2", "--scale", "worker=2", "web", "worker"
    )
    until(lambda: stack.healthy("web") and len(stack.containers("web")) == 2, 60, "two of web", "web")
    until(lambda: stack.healthy("worker"), 60, "two of worker", "worker")
    stack.exec("nginx", "/deploy/edge/control", "reload")
    time.sleep(5)
    served = [
        run("docker", "logs", "--since", "4s", container).stderr.count('"request"')
        for container in stack.containers("web")
    ]
    if not all(served):
        raise RehearsalError(f"of two of web one is not asked: {served}", "nginx")
    count = load.clean(moment, "two of each", "web")
    print(f"two of web and worker: both are asked; 0 of {count} requests failed")


def maintenance(stack: Stack) -> None:
    """The page that an operator puts up, and takes away."""
    visitor = Visitor(stack.https)
    stack.exec("nginx", "/deploy/edge/control", "maintenance", "on")
    answer = visitor.post("/kwip/", {"text": "anything"})
    if (answer.status, answer.headers.get("Retry-After")) != (
        503,
        "30",
    ) or "back in a moment" not in answer.text:
        raise RehearsalError(f"maintenance is answered with {answer.status} {answer.headers}", "nginx")
    stack.exec("nginx", "/deploy/edge/control", "maintenance", "off")
    if (status := visitor.get("/about/").status) != 200:
        raise RehearsalError(f"after maintenance /about/ is answered with {status}", "nginx")
