"""Prepares a release before its containers start: checks, static files, a certificate, migrations.

`python -m deploy.prepare_release`. Each step can be repeated, and none disturbs the previous release, which
still runs.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError

PUBLISHED = Path("/srv/kwippy/published")
CERTIFICATES = Path("/srv/kwippy/certificates")
MANIFEST = "staticfiles.json"
BEFORE = "staticfiles.before.json"
# A migration that waits for a lock blocks the site's statements behind it. It gives up after
# DATABASE_LOCK_TIMEOUT_MS, lets them pass, and tries again.
ATTEMPTS = 20
PAUSE_SECONDS = 3.0
LOCK_NOT_AVAILABLE = "55P03"


def main() -> int:
    """Check the settings, publish static files, make a first certificate, migrate. Returns 0."""
    django.setup()
    call_command("check", deploy=True, fail_level="ERROR")
    if PUBLISHED.is_dir():
        publish(Path(settings.STATIC_ROOT), PUBLISHED)
    if CERTIFICATES.is_dir():
        certify(CERTIFICATES, str(urlsplit(settings.SITE_URL).hostname))
    migrate()
    withhold()
    return 0


def publish(source: Path, target: Path) -> None:
    """Copy the static files of this release beside those of the previous one, and delete all older ones.

    Names contain a hash of the content, so that no file is ever replaced. Each is renamed into place.
    """
    if _read(target / MANIFEST) not in ("", _read(source / MANIFEST)):
        (target / MANIFEST).replace(target / BEFORE)
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for name in sorted(wanted, key=lambda name: name.name == MANIFEST):
        _copy(source / name, target / name)
    before = json.loads(_read(target / BEFORE) or "{}").get("paths", {})
    kept = wanted | {Path(name) for name in before.values()} | {Path(BEFORE)}
    for path in target.rglob("*"):
        name = path.relative_to(target)
        if path.is_file() and name not in kept and name.with_suffix("") not in kept:
            path.unlink()


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_size == source.stat().st_size and source.name != MANIFEST:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)


def certify(folder: Path, host: str) -> None:
    """Make a self-signed certificate if there is none yet, so that nginx can start."""
    if (folder / "fullchain.pem").exists():
        return
    print(
        f"No certificate for {host} yet: making a self-signed one, which browsers don't trust.",
        flush=True,
    )
    key, chain = folder / ".privkey.pem", folder / ".fullchain.pem"
    os.umask(0o027)
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365"]
    whose = ["-subj", f"/CN={host}"[:64], "-addext", f"subjectAltName=DNS:{host}"]
    files = ["-keyout", str(key), "-out", str(chain)]
    subprocess.run(["openssl", "req", *kind, *whose, *files], check=True, capture_output=True)
    # OpenSSL creates it readable by its owner only; nginx reads it as a member of the group.
    key.chmod(0o640)
    key.replace(folder / "privkey.pem")
    chain.replace(folder / "fullchain.pem")


def migrate() -> None:
    """Migrate. Raises OperationalError if a lock can't be taken within a minute or two."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            call_command("migrate", interactive=False)
            return
        except OperationalError as error:
            if attempt == ATTEMPTS or getattr(error.__cause__, "pgcode", None) != LOCK_NOT_AVAILABLE:
                raise
        print(f"A migration could not take a lock: trying again in {PAUSE_SECONDS:.0f} s.", flush=True)
        time.sleep(PAUSE_SECONDS)


def withhold() -> None:
    """Withhold the kwips of people whom an earlier release deactivated; that release set no kwip's state."""
    from apps.kwips.withholding import align_all  # it reads models, which need `django.setup`

    if changed := align_all.call():
        print(f"{changed:,} kwips now have the state of their authors.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
