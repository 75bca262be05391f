"""deploy/upgrade and deploy/build: their results and messages after success, failure or kill."""

import subprocess
from typing import Any

import pytest

from deploy.tests.machine import CALLS, NEW, OLD, WEB, Machine, container, is_whole


def test_an_upgrade_replaces_every_container_and_names_the_way_back(machine: Machine) -> None:
    done = machine.run("upgrade")
    assert done.returncode == 0, done.stderr
    is_whole(machine, NEW)
    assert "The way back: IMAGE_TAG=old" in done.stderr
    order = [call.split()[0] for call in machine.state["calls"]]
    assert order.index("run") < order.index("up") < order.index("stop")


def test_the_kills_below_come_after_every_call_that_changes_something(machine: Machine) -> None:
    assert machine.run("upgrade").returncode == 0
    assert len(machine.state["calls"]) == CALLS


@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_an_upgrade_that_was_killed_anywhere_and_is_run_again_ends_like_one_that_was_not(
    machine: Machine, number: int
) -> None:
    machine.set(kill_after=number)
    assert machine.run("upgrade").returncode == -9
    machine.set(kill_after=0)
    again = machine.run("upgrade")
    assert again.returncode == 0, again.stderr
    is_whole(machine, NEW)


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("the release can't be prepared", {"failing": ["migrate"]}),
        ("it is never ready", {"ready": False}),
        ("it is restarted again and again", {"ready": False, "restarts": 3}),
        ("its containers can't be made", {"failing": ["up"]}),
        ("nginx does not take its configuration", {"failing": ["control"]}),
        ("there is no image of that name", {"images": {OLD: "sha-old"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_failed_upgrade_keeps_the_old_release_and_says_so(
    machine: Machine, what: str, changed: dict[str, Any]
) -> None:
    machine.set(**changed)
    done = machine.run("upgrade")
    assert done.returncode == 1
    is_whole(machine, OLD)
    assert "upgrade: FAILED while" in done.stderr
    assert "goes on" in done.stderr or "deploy/build" in done.stderr


def test_an_upgrade_that_fails_once_the_new_release_answers_says_how_to_go_on(machine: Machine) -> None:
    machine.set(failing=["worker"])
    done = machine.run("upgrade")
    assert done.returncode == 1
    assert "the new release answers" in done.stderr
    assert "Go on: deploy/upgrade" in done.stderr
    assert [one["image"] for one in machine.of("web")] == [NEW] * WEB
    machine.set(failing=[])
    assert machine.run("upgrade").returncode == 0
    is_whole(machine, NEW)


def test_of_two_upgrades_at_once_the_second_waits_and_then_says_why_it_does_nothing(machine: Machine) -> None:
    lock = machine.folder / ".upgrade.lock"
    # cat answers once the lock is held.
    with subprocess.Popen(
        ["flock", str(lock), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdin.write("held\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        done = machine.run("upgrade", LOCK_SECONDS="0")
        assert done.returncode == 1
        assert "FAILED while waiting for another upgrade" in done.stderr
        assert machine.state["calls"] == []
        holder.stdin.close()
    assert machine.run("upgrade").returncode == 0
    is_whole(machine, NEW)


def test_an_image_whose_name_another_has_got_is_named_before_it_is_lost(machine: Machine) -> None:
    machine.set(images={NEW: "sha-new"})
    done = machine.run("upgrade")
    assert done.returncode == 0, done.stderr
    assert "IMAGE_TAG=before" in done.stderr
    assert machine.state["images"]["kwippy:before"] == "lost"


def test_old_images_go_but_for_the_last_ones_and_those_in_use(machine: Machine) -> None:
    images = {f"kwippy:{number}": f"sha-{number}" for number in range(5)} | {OLD: "sha-old", NEW: "sha-new"}
    machine.set(
        images=images, containers=[*machine.state["containers"], container("other", 1, image="kwippy:1")]
    )
    assert machine.run("upgrade", KEEP_IMAGES="3").returncode == 0
    assert list(machine.state["images"]) == ["kwippy:1", "kwippy:4", OLD, NEW]


def test_a_build_names_the_release_by_its_commit_and_changes_nothing_if_it_fails(machine: Machine) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(machine.folder)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    (machine.folder / ".gitignore").write_text("state*\n.env\nmedia\nbin\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "one"], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    )
    with (machine.folder / ".env").open("a") as env:
        env.write("RELEASE=earlier\n")
    done = machine.run("build")
    assert done.returncode == 0, done.stderr
    assert "RELEASE=" not in (machine.folder / ".env").read_text()
    release = (machine.folder / ".env").read_text().splitlines()[-1]
    assert release.startswith("IMAGE_TAG=20")
    assert release.endswith(f"-{commit.stdout.strip()}")
    assert "was earlier" in done.stderr
    (machine.folder / "deploy" / "upgrade").write_text("changed")
    assert machine.run("build").returncode == 0
    changed = (machine.folder / ".env").read_text()
    assert changed.count("IMAGE_TAG=") == 1
    assert "-changed-" in changed
    machine.set(failing=["build"])
    done = machine.run("build")
    assert done.returncode == 1
    assert "the site runs on unchanged" in done.stderr
    assert (machine.folder / ".env").read_text() == changed
