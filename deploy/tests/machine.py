"""A machine with a site on it, for tests of the operator's scripts: a folder, and a stand-in for Docker."""

import marshal
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

DEPLOY = Path(settings.BASE_DIR) / "deploy"
STUB = Path(__file__).parent / "stub/docker"
SCRIPTS = (
    "backup",
    "build",
    "certificate",
    "check-backup",
    "compose.sh",
    "doctor",
    "maintenance",
    "make-secrets",
    "restore",
    "rotate",
    "status",
    "upgrade",
)
WEB, WORKERS = 2, 1
# Of an upgrade of these, those that change something.
CALLS = 15
OLD, NEW = "kwippy:old", "kwippy:new"


def container(service: str, number: int, **told: Any) -> dict[str, Any]:
    one = {"id": f"{service}{number}", "service": service, "image": OLD, "running": True, "drained": False}
    return one | told


@dataclass
class Machine:
    """A folder with the scripts, a `.env`, and the state of the stub `docker`."""

    folder: Path

    @property
    def state(self) -> dict[str, Any]:
        return dict(marshal.loads((self.folder / "state").read_bytes()))

    def set(self, **changed: Any) -> None:
        (self.folder / "state").write_bytes(marshal.dumps(self.state | changed))

    def of(self, service: str) -> list[dict[str, Any]]:
        return [one for one in self.state["containers"] if one["service"] == service]

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A session of its own, so that all of it can be killed."""
        ours = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
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


def site(folder: Path) -> Machine:
    """Two of web and one worker run an old release; the image of a new one is there."""
    (folder / "deploy/edge").mkdir(parents=True)
    (folder / "media").mkdir()
    (folder / "operations").mkdir()
    (folder / "bin").mkdir()
    # Compiled here: a script makes dozens of calls.
    code = folder / "bin" / "code"
    code.write_bytes(marshal.dumps(compile(STUB.read_text(), STUB, "exec")))
    for name in ("docker", "docker-compose"):
        program = folder / "bin" / name
        program.write_text(
            f"#!{sys.executable} -IS\nimport marshal\nexec(marshal.load(open({str(code)!r}, 'rb')))\n"
        )
        program.chmod(0o755)
    (folder / "media" / "face.webp").write_text("a picture")
    for name in SCRIPTS:
        shutil.copy(DEPLOY / name, folder / "deploy" / name)
    (folder / ".env").write_text("DOMAIN=kwippy.example\n")
    state = {
        "containers": [container("web", number) for number in range(WEB)]
        + [container("worker", number) for number in range(WORKERS)],
        "services": ["memcached", "migrate", "nginx", "postgres", "web", "worker"],
        "images": {OLD: "sha-old", NEW: "sha-new"},
        "wanted": NEW,
        "database": "what people wrote",
        "databases": {"kwippy": "what people wrote"},
        "ready": True,
        "restarts": 0,
        "failing": [],
        "failing_sql": "",
        "health": {},
        # Ids of containers that go between a list and a look at them.
        "going": [],
        "site": "200",
        "scratch": {},
        "scratch_keeps": 1000,
        "doctor": 0,
        "told": "",
        "complaint": "",
        "stopped": [],
        "calls": [],
        "kill_after": 0,
        "made": 100,
        "ups": 0,
    }
    (folder / "state").write_bytes(marshal.dumps(state))
    return Machine(folder)


def is_whole(machine: Machine, release: str) -> None:
    """As many containers as before, all of one release, and nothing that says otherwise."""
    web, workers = machine.of("web"), machine.of("worker")
    assert [(one["image"], one["running"], one["drained"]) for one in web] == [(release, True, False)] * WEB
    assert [(one["image"], one["running"]) for one in workers] == [(release, True)] * WORKERS
    assert not (machine.folder / ".upgrade").exists()
