"""One queue, in an environment of its own: `python rival_process.py NAME SOCKETS DATABASE SMTP_PORT`.

It reads orders ("enqueue N", "drain"), one a line, and answers each with the seconds that it took. The
queue drains with its own worker code, in this one thread, until it is empty.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

TEXT = "hello ann,\n\nbob has commented on your kwip about the kettle:\n\n" + "the pot is warm. " * 30
HTML = f"<p>{TEXT}</p>"


def main() -> None:
    name, sockets, database, port = sys.argv[1:]
    enqueue, drain, left = RIVALS[name](sockets, database, int(port))
    print("ready", flush=True)
    for line in sys.stdin:
        verb, *count = line.split()
        started = time.perf_counter()
        if verb == "enqueue":
            enqueue(int(count[0]))
        else:
            drain()
            took = time.perf_counter() - started
            if left():
                raise SystemExit(f"{name} left {left()} messages behind")
            print(took, flush=True)
            continue
        print(time.perf_counter() - started, flush=True)


def message(number: int) -> Any:
    from django.core.mail import EmailMultiAlternatives

    made = EmailMultiAlternatives("tea?", TEXT, "kwippy@example.org", [f"{number}@example.org"])
    made.attach_alternative(HTML, "text/html")
    return made


def configure(sockets: str, database: str, apps: list[str], **settings: Any) -> None:
    import django
    from django.conf import settings as django_settings
    from django.core.management import call_command

    django_settings.configure(
        SECRET_KEY="only for benchmarks",  # noqa: S106
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *apps],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": sockets,
                "NAME": database,
                "USER": "kwippy",
                "CONN_MAX_AGE": None,
            }
        },
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGGING_CONFIG=None,
        # Ours alone reads it.
        PREPARED_STATEMENTS=True,
        **settings,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def smtp(port: int) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 10},
    }


type Rival = tuple[Callable[[int], object], Callable[[], object], Callable[[], int]]


def ours(sockets: str, database: str, port: int) -> Rival:
    sys.path.insert(0, os.environ["KWIPPY_ROOT"])
    mailers = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": smtp(port),
    }
    tasks = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    configure(
        sockets, database, ["django.contrib.postgres", "apps.commandqueue"], MAILERS=mailers, TASKS=tasks
    )
    from django.core.mail import mailers as made

    from apps.commandqueue.core.worker import Worker
    from apps.commandqueue.models import Command

    return (
        lambda count: [made.default.send_messages([message(number)]) for number in range(count)],
        lambda: Worker(queues=["default"], threads=1, once=True).run(),
        Command.objects.exclude(state="done").count,
    )


def ours_tasks(sockets: str, database: str, port: int) -> Rival:
    """A task a mail, to set beside django-tasks-db."""
    sys.path.insert(0, os.environ["KWIPPY_ROOT"])
    tasks = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    apps = ["django.contrib.postgres", "apps.commandqueue"]
    configure(sockets, database, apps, MAILERS={"default": smtp(port)}, TASKS=tasks)
    from apps.commandqueue.core.worker import Worker
    from apps.commandqueue.models import Command

    task = mail_task()
    return (
        lambda count: [task.enqueue(number) for number in range(count)],
        lambda: Worker(queues=["default"], threads=1, once=True).run(),
        Command.objects.exclude(state="done").count,
    )


def django_mailer(sockets: str, database: str, port: int) -> Rival:
    """Under a Django that still has EMAIL_BACKEND: with MAILERS it does not work."""
    configure(
        sockets,
        database,
        ["mailer"],
        EMAIL_BACKEND="mailer.backend.DbBackend",
        MAILER_EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_TIMEOUT=10,
    )
    from mailer.engine import send_all  # type: ignore[import-not-found]
    from mailer.models import Message  # type: ignore[import-not-found]

    return (lambda count: [message(n).send() for n in range(count)], send_all, Message.objects.count)


def post_office(sockets: str, database: str, port: int) -> Rival:
    mailers = {"default": {"BACKEND": "post_office.EmailBackend"}, "smtp": smtp(port)}
    configure(
        sockets,
        database,
        ["post_office"],
        MAILERS=mailers,
        POST_OFFICE={"DEFAULT_MAILER": "smtp", "THREADS_PER_PROCESS": 1},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    )
    from post_office.mail import send_queued_mail_until_done  # type: ignore[import-not-found]
    from post_office.models import STATUS, Email  # type: ignore[import-not-found]

    return (
        lambda count: [message(number).send() for number in range(count)],
        lambda: send_queued_mail_until_done(processes=1),
        Email.objects.exclude(status=STATUS.sent).count,
    )


def tasks_db(sockets: str, database: str, port: int) -> Rival:
    tasks = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    configure(sockets, database, ["django_tasks_db"], MAILERS={"default": smtp(port)}, TASKS=tasks)
    from django_tasks_db.management.commands.db_worker import Worker  # type: ignore[import-not-found]
    from django_tasks_db.models import DBTaskResult  # type: ignore[import-not-found]

    def drain() -> None:
        worker = Worker(
            queue_names=["default"],
            interval=0,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id="bench",
            excluded_queue_names=[],
        )
        worker.run()

    task = mail_task()
    return (
        lambda count: [task.enqueue(number) for number in range(count)],
        drain,
        DBTaskResult.objects.exclude(status="SUCCESSFUL").count,
    )


def mail_task() -> Any:
    from django.tasks import task

    # The worker imports a task by its path.
    sys.modules["rival_process"] = sys.modules[__name__]
    globals()["send_one"] = task(send_one)
    return globals()["send_one"]


def send_one(number: int) -> None:
    message(number).send()


send_one.__module__ = "rival_process"

RIVALS: dict[str, Callable[[str, str, int], Rival]] = {
    "ours": ours,
    "ours, a task a mail": ours_tasks,
    "django-mailer": django_mailer,
    "django-post_office": post_office,
    "django-tasks-db": tasks_db,
}

if __name__ == "__main__":
    main()
