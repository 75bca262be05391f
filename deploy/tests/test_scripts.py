"""The operator's scripts against a stand-in for Docker: what they leave behind, and say, however they end."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

DEPLOY = Path(settings.BASE_DIR) / "deploy"
STUB = Path(__file__).parent / "stub"
SCRIPTS = (
    "backup",
    "build",
    "certificate",
    "compose.sh",
    "maintenance",
    "make-secrets",
    "restore",
    "rotate",
    "upgrade",
)
WEB, WORKERS = 2, 1
# Of an upgrade of these, those that change something.
CALLS = 14
OLD, NEW = "kwippy:old", "kwippy:new"


def container(service: str, number: int, **told: Any) -> dict[str, Any]:
    one = {"id": f"{service}{number}", "service": service, "image": OLD, "running": True, "drained": False}
    return one | told


@dataclass
class Machine:
    """A folder with the scripts and a `.env`, and the world that the stand-in keeps beside it."""

    folder: Path

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "state.json").read_text()))

    def set(self, **changed: Any) -> None:
        (self.folder / "state.json").write_text(json.dumps(self.state | changed))

    def of(self, service: str) -> list[dict[str, Any]]:
        return [one for one in self.state["containers"] if one["service"] == service]

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A session of its own, so that all of it can be killed."""
        ours = {
            "PATH": f"{STUB}:{os.environ['PATH']}",
            "WORLD": str(self.folder),
            "READY_SECONDS": "2",
            "DRAIN_SECONDS": "0",
        }
        return subprocess.run(
            [str(self.folder / "deploy" / script), *arguments],
            cwd=self.folder,
            env=ours | environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return site(tmp_path)


def site(folder: Path) -> Machine:
    """Two of web and one worker run an old release; the image of a new one is there."""
    (folder / "deploy/edge").mkdir(parents=True)
    (folder / "media").mkdir()
    (folder / "media" / "face.webp").write_text("a picture")
    for name in SCRIPTS:
        shutil.copy(DEPLOY / name, folder / "deploy" / name)
    (folder / ".env").write_text("DOMAIN=kwippy.example\n")
    state = {
        "containers": [container("web", number) for number in range(WEB)]
        + [container("worker", number) for number in range(WORKERS)],
        "images": {OLD: "sha-old", NEW: "sha-new"},
        "wanted": NEW,
        "database": "what people wrote",
        "databases": {"kwippy": "what people wrote"},
        "ready": True,
        "restarts": 0,
        "failing": [],
        "failing_sql": "",
        "stopped": [],
        "calls": [],
        "kill_after": 0,
        "made": 100,
        "ups": 0,
    }
    (folder / "state.json").write_text(json.dumps(state))
    return Machine(folder)


def is_whole(machine: Machine, release: str) -> None:
    """As many containers as before, all of one release, and nothing that says otherwise."""
    web, workers = machine.of("web"), machine.of("worker")
    assert [(one["image"], one["running"], one["drained"]) for one in web] == [(release, True, False)] * WEB
    assert [(one["image"], one["running"]) for one in workers] == [(release, True)] * WORKERS
    assert not (machine.folder / ".upgrade").exists()


# ── Upgrade ──────────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_replaces_every_container_and_names_the_way_back(machine: Machine) -> None:
    done = machine.run("upgrade")
    assert done.returncode == 0, done.stderr
    is_whole(machine, NEW)
    assert "The way back: RELEASE=old" in done.stderr
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
    assert "RELEASE=before" in done.stderr
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
    (machine.folder / ".gitignore").write_text("state.json*\n.env\nmedia\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "one"], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    )
    done = machine.run("build")
    assert done.returncode == 0, done.stderr
    release = (machine.folder / ".env").read_text().splitlines()[-1]
    assert release.startswith("RELEASE=20")
    assert release.endswith(f"-{commit.stdout.strip()}")
    assert "was latest" in done.stderr
    (machine.folder / "deploy" / "upgrade").write_text("changed")
    assert machine.run("build").returncode == 0
    changed = (machine.folder / ".env").read_text()
    assert changed.count("RELEASE=") == 1
    assert "-changed-" in changed
    machine.set(failing=["build"])
    done = machine.run("build")
    assert done.returncode == 1
    assert "the site runs on unchanged" in done.stderr
    assert (machine.folder / ".env").read_text() == changed


# ── Backup and restore ───────────────────────────────────────────────────────────────────────────


def test_a_backup_restores_what_was_there(machine: Machine) -> None:
    done = machine.run("backup", "kept")
    assert done.returncode == 0, done.stderr
    machine.set(databases={"kwippy": "written since"})
    (machine.folder / "media" / "face.webp").unlink()
    done = machine.run("restore", "kept")
    assert done.returncode == 0, done.stderr
    assert machine.state["databases"] == {"kwippy": "what people wrote"}
    assert (machine.folder / "media" / "face.webp").read_text() == "a picture"
    assert machine.state["ups"] > 0


@pytest.mark.parametrize("failing", ["pg_dump", "sh", "pg_restore"])
def test_a_backup_that_fails_says_so_and_leaves_nothing(machine: Machine, failing: str) -> None:
    machine.set(failing=[failing])
    done = machine.run("backup", "kept")
    assert done.returncode != 0
    assert "backup: FAILED while" in done.stderr
    assert "there is no backup" in done.stderr
    assert not list(machine.folder.glob("kept*"))


def test_a_backup_does_not_replace_another(machine: Machine) -> None:
    (machine.folder / "kept").mkdir()
    done = machine.run("backup", "kept")
    assert done.returncode == 1
    assert "is there already" in done.stderr


@pytest.mark.parametrize("name", ["database.dump", "media.tar", "media.since.tar"])
@pytest.mark.parametrize("sums", ["made anew", "as they were"])
def test_a_damaged_backup_is_refused_before_anything_is_replaced(
    machine: Machine, name: str, sums: str
) -> None:
    assert machine.run("backup", "kept").returncode == 0
    file = machine.folder / "kept" / name
    file.write_bytes(file.read_bytes()[:700] if name.endswith("tar") else file.read_bytes()[:-4])
    if sums == "made anew":
        subprocess.run(
            "sha256sum database.dump media.tar media.since.tar >SHA256SUMS",
            shell=True,
            cwd=machine.folder / "kept",
            check=True,
        )
    machine.set(databases={"kwippy": "written since"}, calls=[])
    done = machine.run("restore", "kept")
    assert done.returncode != 0
    assert "restore: FAILED while" in done.stderr
    assert "what ran before goes on" in done.stderr
    assert machine.state["databases"] == {"kwippy": "written since"}
    assert machine.state["stopped"] == []


@pytest.mark.parametrize(
    ("failing", "said", "database"),
    [
        ({"failing": ["tar"]}, "what ran before goes on", "written since"),
        ({"failing": ["stop"]}, "docker-compose up -d", "written since"),
        ({"failing_sql": "RENAME"}, "docker-compose up -d", "written since"),
        ({"failing": ["restart"]}, "the site is DOWN. To go on", "what people wrote"),
        (
            {"failing_sql": "DROP DATABASE kwippy_before"},
            "kwippy_before still takes space",
            "what people wrote",
        ),
    ],
    ids=[
        "no space for pictures",
        "can't be stopped",
        "can't be swapped",
        "memcached",
        "the old database stays",
    ],
)
def test_a_restore_that_fails_says_what_state_the_site_is_in(
    machine: Machine, failing: dict[str, Any], said: str, database: str
) -> None:
    assert machine.run("backup", "kept").returncode == 0
    machine.set(databases={"kwippy": "written since"}, **failing)
    done = machine.run("restore", "kept")
    assert done.returncode != 0
    assert said in done.stderr
    assert machine.state["databases"]["kwippy"] == database
    # And once what was in the way is gone:
    machine.set(failing=[], failing_sql="")
    done = machine.run("restore", "kept")
    assert done.returncode == 0, done.stderr
    assert machine.state["databases"] == {"kwippy": "what people wrote"}


# ── The others ───────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_is_for_the_domain_that_the_site_runs_with(machine: Machine) -> None:
    (machine.folder / ".env").write_text('DOMAIN="kwippy.example"\n')
    done = machine.run("certificate")
    assert done.returncode == 0, done.stderr
    asked = next(call for call in machine.state["calls"] if "certonly" in call)
    assert "--domain kwippy.example --email ops@kwippy.example" in asked
    machine.set(failing=["certonly"])
    done = machine.run("certificate")
    assert done.returncode != 0
    assert "the certificate is the one that was there before" in done.stderr


def test_maintenance_is_a_file_that_stays(machine: Machine) -> None:
    flag = machine.folder / "deploy/edge/maintenance"
    for _ in range(2):
        assert machine.run("maintenance", "on").returncode == 0
        assert flag.exists()
    for _ in range(2):
        assert machine.run("maintenance", "off").returncode == 0
        assert not flag.exists()
    assert machine.run("maintenance").returncode == 2


def test_a_rotation_that_fails_is_run_again(machine: Machine) -> None:
    assert machine.run("make-secrets").returncode == 0
    secrets = machine.folder / "secrets"
    first = (secrets / "secret_key").read_text()
    machine.set(ready=False)
    done = machine.run("rotate")
    assert done.returncode != 0
    assert "Go on: deploy/rotate" in done.stderr
    assert (secrets / "secret_key").read_text() == first
    machine.set(ready=True)
    done = machine.run("rotate")
    assert done.returncode == 0, done.stderr
    assert (secrets / "secret_key").read_text() != first
    assert (secrets / "secret_key_fallbacks").read_text() == first


@pytest.mark.parametrize("script", ["upgrade", "backup", "restore", "build", "certificate", "rotate"])
def test_every_script_is_plain_sh(script: str) -> None:
    done = subprocess.run(["sh", "-n", str(DEPLOY / script)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
