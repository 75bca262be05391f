"""Start and stop local servers, which never outlive this process and never run as root."""

import contextlib
import ctypes
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

SERVICE_USER = "nobody"
# sun_path holds 108 bytes with its final zero; the longest name we put into the directory is 16.
LONGEST_SOCKET_DIRECTORY = 107 - len("/.s.PGSQL.5432.x")
# A comma separates hosts for libpq, a quote ends the setting: such a path can't name a socket.
SOCKET_PATH = re.compile(r"/[\w./+ -]*")
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}


class ServiceError(Exception):
    """A local server can't run; the message is one line for the terminal."""


def service_account() -> pwd.struct_passwd | None:
    """The account that servers run as when we are root (PostgreSQL refuses root); else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        raise ServiceError(f"running as root needs an account named {SERVICE_USER!r}") from None


def private_directory(path: Path) -> Path:
    """Make `path`, if it isn't there, as a directory that only the service account can use.

    Raises ServiceError if it has another owner.
    """
    account = service_account()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account is not None and path.stat().st_uid == 0:
        try:
            os.chown(path, account.pw_uid, account.pw_gid)
        except OSError as error:
            raise ServiceError(f"can't give {path} to {SERVICE_USER}: {error.strerror}") from error
    owner = os.geteuid() if account is None else account.pw_uid
    if path.stat().st_uid != owner:
        raise ServiceError(f"{path} belongs to another user: remove it or use their account")
    path.chmod(0o700)
    return path


def socket_directory(preferred: Path) -> Path:
    """A private directory for Unix sockets: `preferred`, or a short one where its path can't be used."""
    path = preferred.absolute()
    if len(os.fsencode(path)) > LONGEST_SOCKET_DIRECTORY or not SOCKET_PATH.fullmatch(str(path)):
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"kwippy-{digest}"
    return private_directory(path)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `death_signal` when this process dies, even by SIGKILL."""
    expected = os.getpid()

    def prepare_child() -> None:
        set_process_option(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != expected:  # It died before the line above.
            os._exit(1)

    return prepare_child


def set_process_option(option: int, value: int) -> None:
    """Call prctl(2); elsewhere than on Linux do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, int(value), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent dies, so that `descendants` finds it."""
    set_process_option(PR_SET_CHILD_SUBREAPER, 1)


def descendants(ancestor: int) -> list[int]:
    """Process ids of everything below `ancestor`, nearest first (Linux; elsewhere empty)."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything: the fields count from the last ")".
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(parents.get(ancestor, ()))
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def as_service_user(argv: Sequence[str], death_signal: signal.Signals | None = None) -> list[str]:
    """`argv`, wrapped as root so that it runs unprivileged but can pass a closed home directory.

    A checkout often lies below a directory that only root may enter (/root). Instead of opening it to all
    users, the server keeps one capability: to read and search despite permissions.
    """
    account = service_account()
    if account is None:
        return list(argv)
    if shutil.which("setpriv") is None:
        raise ServiceError("setpriv is missing (util-linux): as root the servers can't start")
    wrapper = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
    wrapper.append("--clear-groups")
    if capability := passing_capability():
        wrapper += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
        # Without this bit access(2), by which initdb looks for its programs, disregards capabilities.
        wrapper += ["--securebits=+no_setuid_fixup"]
    if death_signal is not None:
        # The kernel forgets the death signal when the user changes, so it is set after that.
        wrapper += ["--pdeathsig", death_signal.name.removeprefix("SIG")]
    return [*wrapper, "--", *argv]


def passing_capability() -> str | None:
    """The narrowest capability we hold that passes closed directories; containers often drop one."""
    status = Path("/proc/self/status").read_text()
    masks = re.findall(r"^Cap(?:Prm|Bnd):\s*([0-9a-f]+)$", status, re.MULTILINE)
    for name, bit in CAPABILITIES.items():
        if all(int(mask, 16) >> bit & 1 for mask in masks):
            return name
    return None


def start(
    argv: Sequence[str], *, death_signal: signal.Signals, log: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a server, unprivileged if we are root; its output goes to `log`, truncated, or is dropped."""
    with Path(log or os.devnull).open("wb") as output:
        return spawn(
            as_service_user(argv, death_signal),
            death_signal=death_signal,
            stdout=output,
            stderr=subprocess.STDOUT,
            # The working directory may be closed to the service account.
            cwd="/",
        )


def spawn(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals,
    stdout: IO[bytes] | None = None,
    stderr: int | None = None,
    stdin: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in its own session: Ctrl-C reaches this process only, which stops all in order."""
    return subprocess.Popen(
        argv,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=die_with_parent(death_signal),
        env=env,
        cwd=cwd,
    )


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, grace: float = 10) -> None:
    """End `process` with signal `how`, and with SIGKILL after `grace` seconds; nothing if it has ended."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop_descendants(grace: float = 2) -> None:
    """End the descendants that a stopped or killed child has left behind."""
    for how, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, how)
        deadline = time.monotonic() + patience
        while descendants(os.getpid()) and time.monotonic() < deadline:
            time.sleep(0.05)
