"""A backup of the running site, a restore over it, and a restore onto an empty machine."""

import time

from deploy.rehearse.kills import writers
from deploy.rehearse.load import Load
from deploy.rehearse.opening import answers
from deploy.rehearse.stack import DOMAIN, RehearsalError, Stack, free_port, run, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor, publish, sign_in

PICTURE = "/media/avatars/rehearsal.webp"
DRAW = f"mkdir -p /srv/kwippy/media/avatars && head -c 5000 /dev/urandom > /srv/kwippy{PICTURE}"


def play(stack: Stack, operator: Operator) -> None:
    stack.exec("worker", "sh", "-c", DRAW)
    picture = Visitor(stack.https).get(PICTURE)
    ann = Visitor(stack.https)
    sign_in(ann, "ann")
    address = publish(ann, "ann", "this is in the backup")
    kept = back_up(stack, operator)
    edit(ann, address, "this was said after the backup")
    lost = publish(ann, "ann", "this is not in the backup")

    go_back(stack, operator, ann, address)
    try_backup(stack, operator, address)
    stack.down()
    started = time.monotonic()
    operator.follow("Restore", names={"FOLDER": "kept"})
    operator.follow("To try it", only="docker-compose")
    wait_for(lambda: answers(Visitor(stack.https)), "the first page of the restored site", "nginx")
    print(f"restore: the site responds after {time.monotonic() - started:.0f} s on an empty machine")

    texts = set(stack.sql("SELECT text FROM kwips_kwip").splitlines())
    if missing := (kept | {"the kettle is on", "this is in the backup"}) - texts:
        raise RehearsalError(f"{len(missing)} kwips are not in the backup", "postgres")
    if Visitor(stack.https).get(PICTURE).text != picture.text:
        raise RehearsalError("a picture differs from the one in the backup", "nginx")
    if (status := Visitor(stack.https).get(lost).status) != 404:
        raise RehearsalError(f"a kwip newer than the backup got {status}", "postgres")
    # The secrets are the same: sessions stay valid, and passwords work.
    if (status := ann.get("/kwip/").status) != 200:
        raise RehearsalError(f"ann was signed out by the restore: {status}", "web")
    again = Visitor(stack.https)
    sign_in(again, f"ann@{DOMAIN}")
    publish(again, "ann", "life goes on")


def back_up(stack: Stack, operator: Operator) -> set[str]:
    """Backs up under load; returns the kwips that the site had acknowledged before."""
    with Load(stack, writers(stack)) as load:
        wait_for(lambda: load.acknowledged, "a kwip to be acknowledged", "web")
        before, moment = set(load.acknowledged), time.monotonic()
        operator.follow("Back up", only="deploy/backup", names={"FOLDER": "kept"})
        seconds = time.monotonic() - moment
        count = load.clean(moment, "during the backup", "web")
    print(f"backup: {seconds:.0f} s under load; 0 of {count} requests failed")
    check_backup(stack, operator)
    nightly(stack, operator)
    return before


def check_backup(stack: Stack, operator: Operator) -> None:
    """Restores the backup beside the site; nothing of it is left."""
    moment = time.monotonic()
    told = operator.follow("Check a backup", names={"FOLDER": "kept"})
    seconds = time.monotonic() - moment
    if "have the rows that they had" not in told or run("docker", "ps", "-aqf", "name=kwippy-check").stdout:
        raise RehearsalError(f"a checked backup leaves a container, or says nothing:\n{told}")
    print(f"backup --check: {seconds:.0f} s")


def nightly(stack: Stack, operator: Operator) -> None:
    """The cron line deletes all backups but the newest 14."""
    folder = stack.folder / "backups"
    for day in range(10, 30):
        (folder / f"2020-01-{day}").mkdir(parents=True)
    operator.follow("Back up", only="15 3", names={"PATH": str(stack.folder)})
    operator.follow("Back up", only="rsync")
    left = sorted(path.name for path in folder.iterdir())
    if len(left) != 14 or not (folder / left[-1] / "SHA256SUMS").is_file() or left[0] != "2020-01-17":
        raise RehearsalError(f"these backups are left: {left}")


def try_backup(stack: Stack, operator: Operator, address: str) -> None:
    """Restores the backup into a second project; the site keeps running."""
    http, https = free_port(), free_port()
    name = f"{stack.name}-trial"
    names = {"HTTP_PORT": str(http), "HTTPS_PORT": str(https), "COMPOSE_PROJECT_NAME": name}
    before = stack.containers("web")
    operator.follow("Try a backup", only="git clone")
    for setting in (
        "COMPOSE_PROJECT_NAME",
        "COMPOSE_FILE",
        "DOMAIN",
        "HTTP_PORT",
        "HTTPS_PORT",
        "SMTP_HOST",
    ):
        operator.follow("Try a backup", only=f"{setting}=", names=names)
    operator.follow("Try a backup", only="deploy/restore", names={"FOLDER": str(stack.folder / "kept")})
    trial = Visitor(https, domain="localhost")
    wait_for(lambda: "this is in the backup" in trial.get(address).text, "the backup on trial")
    if trial.get(PICTURE).status != 200:
        raise RehearsalError("a picture is not in the backup on trial")
    names = {"kwippy-trial": name}
    operator.follow("Try a backup", only="docker-compose down", names=names)
    if stack.containers("web") != before or operator.place != stack.place:
        raise RehearsalError("the backup on trial has changed the site")
    operator.place = stack.folder


def go_back(stack: Stack, operator: Operator, ann: Visitor, address: str) -> None:
    """Restores over a running site. Its caches hold entries of versions that will be written again."""
    operator.follow("Restore", names={"FOLDER": "kept"})
    anonymous = Visitor(stack.https)
    wait_for(
        lambda: "this is in the backup" in anonymous.get(address).text, "the text of the backup", "nginx"
    )
    edit(ann, address, "this is another edit")
    if "this is another edit" not in ann.get(address).text:
        raise RehearsalError("a restored site shows a page cached before the restore", "memcached")
    wait_for(lambda: "this is another edit" in anonymous.get(address).text, "the edit, anonymously", "nginx")


def edit(ann: Visitor, address: str, text: str) -> None:
    """Edits a kwip; the author and an anonymous visitor read the new text."""
    action = f"/kwip/{address.rstrip('/').rpartition('/')[2]}/edit/"
    ann.fill(action, action, text=text)
    for visitor in (ann, Visitor(ann.port)):
        wait_for(lambda visitor=visitor: text in visitor.get(address).text, text, "web")  # type: ignore[misc]
