"""A backup of the running site; going back to it; the loss of the machine, and a new one from the backup."""

import time

from deploy.rehearse.kills import writers
from deploy.rehearse.load import Load
from deploy.rehearse.opening import answers
from deploy.rehearse.stack import DOMAIN, RehearsalError, Stack, until
from deploy.rehearse.visitor import Visitor, publish, sign_in

PICTURE = "/media/avatars/rehearsal.webp"
DRAW = f"mkdir -p /srv/kwippy/media/avatars && head -c 5000 /dev/urandom > /srv/kwippy{PICTURE}"


def play(stack: Stack) -> None:
    stack.exec("web", "sh", "-c", DRAW)
    picture = Visitor(stack.https).get(PICTURE)
    ann = Visitor(stack.https)
    sign_in(ann, "ann")
    address = publish(ann, "ann", "this is in the backup")
    kept = back_up(stack)
    edit(ann, address, "this was said after the backup")
    lost = publish(ann, "ann", "this is not in the backup")

    go_back(stack, ann, address)
    stack.down()
    started = time.monotonic()
    stack.script("deploy/restore", "kept")
    stack.compose("--profile", "dev", "up", "-d")
    until(lambda: answers(Visitor(stack.https)), 60, "the first page of the restored site", "nginx")
    print(f"restore: the site is back {time.monotonic() - started:.0f} s after there was nothing")

    texts = set(stack.sql("SELECT text FROM kwips_kwip").splitlines())
    if missing := (kept | {"the kettle is on", "this is in the backup"}) - texts:
        raise RehearsalError(f"{len(missing)} kwips are not in the backup", "postgres")
    if Visitor(stack.https).get(PICTURE).text != picture.text:
        raise RehearsalError("a picture is not what it was", "nginx")
    if (status := Visitor(stack.https).get(lost).status) != 404:
        raise RehearsalError(f"what came after the backup was answered with {status}", "postgres")
    # The secrets are the same: whoever was signed in still is, and passwords work.
    if (status := ann.get("/kwip/").status) != 200:
        raise RehearsalError(f"ann was signed out by the restore: {status}", "web")
    again = Visitor(stack.https)
    sign_in(again, f"ann@{DOMAIN}")
    publish(again, "ann", "life goes on")


def back_up(stack: Stack) -> set[str]:
    """Back up under load; returns what had been acknowledged before."""
    with Load(stack, writers(stack)) as load:
        until(lambda: load.acknowledged, 20, "a kwip to be acknowledged", "web")
        before, moment = set(load.acknowledged), time.monotonic()
        stack.script("deploy/backup", "kept")
        seconds = time.monotonic() - moment
        count = load.clean(moment, "during the backup", "web")
    print(f"backup: {seconds:.0f} s under load; 0 of {count} requests failed")
    return before


def go_back(stack: Stack, ann: Visitor, address: str) -> None:
    """Restore on the machine that has gone on. What it had cached is of versions that will come once more."""
    stack.script("deploy/restore", "kept")
    stranger = Visitor(stack.https)
    until(
        lambda: "this is in the backup" in stranger.get(address).text, 20, "the text of the backup", "nginx"
    )
    edit(ann, address, "this is another edit")
    if "this is another edit" not in ann.get(address).text:
        raise RehearsalError("a restored site shows what was cached before", "memcached")
    until(lambda: "this is another edit" in stranger.get(address).text, 5, "the edit, for strangers", "nginx")


def edit(ann: Visitor, address: str, text: str) -> None:
    """Say it differently, and see it."""
    action = f"/kwip/{address.rstrip('/').rpartition('/')[2]}/edit/"
    ann.fill(action, action, text=text)
    for visitor in (ann, Visitor(ann.port)):
        until(lambda visitor=visitor: text in visitor.get(address).text, 5, text, "web")  # type: ignore[misc]
