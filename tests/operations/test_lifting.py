"""Each platform folder works in another project: copied with its tests into an empty one, it passes them.

The empty project has the folder, the platform folders that it imports, the test servers, and the parts of
`tests/support` that do not import the product. It has no `kwippy`, no templates and no other app.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# Each folder with the platform folders that it imports, and its long tests: they are collected here, and
# `make torture` alone runs them.
PLATFORM: dict[str, tuple[list[str], list[str]]] = {
    "statements": ([], []),
    "nearcache": ([], []),
    "keyset": ([], []),
    "plaintext": ([], []),
    "pictures": (["limits", "statements", "lookaside"], ["test_corpus.py", "test_sweeping.py"]),
    "fragments": (["nearcache"], []),
    "events": ([], []),
    "invalidation": (["events", "lookaside", "nearcache", "pagecache"], []),
    # One of its tests has a dead memcached beside it.
    "limits": (["statements", "lookaside"], []),
    "lookaside": (
        [],
        [
            *("test_interleavings.py", "test_marked_interleavings.py"),
            *("test_faults.py", "test_threads_and_forks.py", "test_tls.py"),
        ],
    ),
    "pagecache": (["lookaside", "nearcache"], ["test_stampede.py"]),
    "dbpool": ([], ["test_faults.py", "test_outages.py", "test_stress.py", "test_gunicorn.py"]),
    "commandqueue": (
        ["statements"],
        [
            *("test_crashes.py", "test_smtp_faults.py", "test_leases.py", "test_worker.py"),
            *("test_batches.py", "test_controls.py", "test_horizon.py"),
        ],
    ),
}
SHARED = (
    "tests/__init__.py",
    "tests/support/__init__.py",
    "tests/support/concurrency.py",
    "tests/support/emptying.py",
    "tests/support/plugin.py",
    "tests/support/pool.py",
    "deploy/__init__.py",
    "deploy/local/__init__.py",
    "deploy/local/memcached.py",
    "deploy/local/postgres.py",
    "deploy/local/services.py",
    "apps/__init__.py",
)
SETTINGS = '''
"""A project with nothing in it but Django."""
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["localhost"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "urls"
INSTALLED_APPS = [
    *(f"apps.{{name}}" for name in {apps!r}),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {{"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]}},
}}]
STATIC_URL = "/static/"
DATABASES = {{"default": {{
    "ENGINE": {engine!r},
    "HOST": os.environ["DATABASE_HOST"],
    "NAME": os.environ["DATABASE_NAME"],
    "USER": os.environ["DATABASE_USER"],
}}}}
PREPARED_STATEMENTS = True
MEMCACHED_SERVERS = os.environ["MEMCACHED_SERVERS"]
CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}}
STORAGES = {{
    "default": {{"BACKEND": "django.core.files.storage.FileSystemStorage"}},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}
{more}
'''
MORE = {
    "pagecache": (
        'PAGECACHE = {"CACHE": "lookaside", "SITE_URL": "https://example.org", "COOKIES": [], "RELEASE": "1"}'
    ),
    "lookaside": 'CACHES["lookaside"] = {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", '
    '"LOCATION": MEMCACHED_SERVERS}',
    "limits": (
        "LIMITS = {}\nTRUSTED_PROXIES = []\n"
        'CACHES["default"] = {"BACKEND": "apps.limits.cache.LimitsCache", "LOCATION": "limits_cache"}'
    ),
    "commandqueue": (
        'TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend", '
        '"QUEUES": ["now", "default", "bulk"]}}\n'
        # Of workers in processes of their own.
        'MAILERS = {"default": {"BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend", '
        '"OPTIONS": {"mailer": "direct"}}, '
        '"direct": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", '
        '"OPTIONS": {"host": "127.0.0.1", "port": int(os.environ.get("SMTP_PORT", "1"))}}}'
    ),
}
TORTURE = bool(os.environ.get("TORTURE"))


def lifted(folder: str, project: Path) -> None:
    """Create an empty project with this folder in ``project``."""
    needs, _ = PLATFORM[folder]
    for name in [folder, *needs]:
        leave = shutil.ignore_patterns("__pycache__", *([] if name == folder else ["tests"]))
        shutil.copytree(ROOT / "apps" / name, project / "apps" / name, ignore=leave)
    for name in SHARED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    apps = [folder, *needs]
    engine = "apps.dbpool" if folder == "dbpool" else "django.db.backends.postgresql"
    more = "\n".join(MORE[name] for name in apps if name in MORE)
    (project / "project.py").write_text(SETTINGS.format(apps=apps, engine=engine, more=more))
    (project / "urls.py").write_text(
        "from django.contrib import admin\nfrom django.urls import path\n\n"
        'urlpatterns = [path("admin/", admin.site.urls)]\n'
    )
    (project / "manage.py").write_text(
        "import sys\n\nfrom django.core.management import execute_from_command_line\n\n"
        "execute_from_command_line(sys.argv)\n"
    )
    (project / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = project\npythonpath = .\naddopts = -p tests.support.plugin\n"
    )


def run(project: Path, *arguments: str) -> str:
    """Run Python there, without this project's environment; returns its output."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "CI") if name in os.environ}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.mark.parametrize("folder", PLATFORM)
def test_a_platform_folder_passes_its_own_tests_in_an_empty_project(folder: str, tmp_path: Path) -> None:
    lifted(folder, tmp_path)
    later = [] if TORTURE else PLATFORM[folder][1]
    told = run(
        tmp_path, "-m", "pytest", "-q", "-n", "0", f"apps/{folder}",
        *(f"--deselect=apps/{folder}/tests/{name}" for name in later),
    )  # fmt: skip
    # pytest deselects what is not there, too.
    assert all((ROOT / "apps" / folder / "tests" / name).is_file() for name in later)
    assert re.search(r"^\d+ passed", told, re.MULTILINE), told


def test_every_folder_of_the_platform_is_tried() -> None:
    layers = (ROOT / "pyproject.toml").read_text().split("layers = [")[1].split("]")[0]
    platform = layers.split('"apps.securitylog",')[1]
    assert set(re.findall(r"apps\.(\w+)", platform)) == set(PLATFORM)
