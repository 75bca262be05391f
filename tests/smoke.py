"""`make smoke`: clones the last commit, starts the site, and walks through a newcomer's first day."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from email import message_from_bytes
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from deploy.local import services
from deploy.local.run import answers
from tests.support import browser, journey

ROOT = Path(__file__).resolve().parents[1]
# The first start creates the virtual environment and the demo community.
FIRST_START_SECONDS = 600.0
SECOND_START_SECONDS = 5.0
STOP_SECONDS = 20.0
MAIL_SECONDS = 10.0


class SmokeError(Exception):
    """A step of the newcomer failed."""


def main() -> int:
    """Run all steps; return 0 if they succeeded."""
    # A shell that starts us in the background makes us and our children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A time limit sends SIGTERM; clean up then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    services.adopt_orphans()
    directory = Path(tempfile.mkdtemp(prefix="kwippy-smoke-"))
    try:
        walk(directory / "kwippy")
    except (SmokeError, AssertionError) as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        services.stop_descendants(STOP_SECONDS)
        shutil.rmtree(directory, ignore_errors=True)
    print("smoke: a newcomer gets all the way, and the data outlives a restart.")
    return 0


def walk(checkout: Path) -> None:
    """Clone, start, walk the journey, restart, and check that the data is still there."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    port = free_port()
    newcomer = journey.Newcomer(f"http://localhost:{port}")
    kept = "this one stays"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.program(), args=browser.FLAGS, handle_sigint=False
        )

        def new_page() -> Page:
            return browser.new_context(chromium, javascript=False).new_page()

        with running(checkout, port, FIRST_START_SECONDS) as seconds:
            print(f"smoke: the first start took {seconds:.1f} s", flush=True)
            journey.walk(newcomer, new_page, partial(newest_mail, checkout / "var" / "mail"))
            page = new_page()
            journey.sign_in(page, newcomer)
            address = newcomer.site + journey.publish(page, newcomer, kept)
        with running(checkout, port, SECOND_START_SECONDS) as seconds:
            print(f"smoke: the second start took {seconds:.1f} s", flush=True)
            journey.read(new_page(), address, kept)
        chromium.close()


@contextlib.contextmanager
def running(checkout: Path, port: int, patience: float) -> Iterator[float]:
    """Run the site; gives the seconds until its first answer. No process of it may be left at the end.

    Raises SmokeError if it doesn't answer within `patience`, doesn't stop, or leaves a process behind.
    """
    others = services.descendants(os.getpid())
    started = time.monotonic()
    site = subprocess.Popen(
        ["make", "-s", "run", f"PORT={port}"],
        cwd=checkout,
        # A group of its own, as a terminal gives it, so that Ctrl-C reaches exactly it.
        start_new_session=True,
    )
    try:
        yield seconds_to_answer(site, port, started, patience)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(site.pid, signal.SIGINT)
    try:
        site.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise SmokeError(f"the site did not stop within {STOP_SECONDS:.0f} s of Ctrl-C") from None
    # Chromium comes and goes with processes of its own; all of them stay below its first ones.
    for other in tuple(others):
        others += services.descendants(other)
    if left := set(services.descendants(os.getpid())) - set(others):
        raise SmokeError(f"the site stopped but left processes behind: {sorted(left)}")


def seconds_to_answer(site: subprocess.Popen[bytes], port: int, started: float, patience: float) -> float:
    """Wait for the site's first answer; return the seconds since `started`."""
    while True:
        seconds = time.monotonic() - started
        if site.poll() is not None:
            raise SmokeError(f"`make run` ended with {site.returncode}")
        if answers(port):
            return time.monotonic() - started
        if seconds > patience:
            raise SmokeError(f"the site did not answer within {patience:.0f} s")
        time.sleep(0.05)


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def newest_mail(directory: Path, address: str) -> bytes:
    """The newest message to `address` among the `.eml` files; waits a little for the first."""
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        for file in sorted(directory.glob("*.eml"), reverse=True):
            content = file.read_bytes()
            if address in str(message_from_bytes(content)["To"]):
                return content
        time.sleep(0.1)
    raise SmokeError(f"no mail to {address} in {directory}")


if __name__ == "__main__":
    sys.exit(main())
