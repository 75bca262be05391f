"""The command queue beside other queues, and what it costs a request.

Throughput: each rival sends the same messages to the same SMTP server (Postfix's smtp-sink) with its own
worker, one process and one thread, in an environment where it works; they take turns. Enqueueing: from
rendered bytes to COMMIT, beside a plain INSERT of the same bytes. The contact form: posted with SMTP up and
down. Delivery: from enqueueing to settlement, at 50 a second. Full size: a million commands sent and purged.
"""

import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from unittest import mock

from bench import report
from bench._commandqueue_million import a_million
from bench._commandqueue_peers import Rival, sink, unused_port
from bench.database import ROOT, postgres
from bench.measure import Figure, interleaved, ratio

RIVALS = ("ours", "django-mailer", "django-post_office", "django-tasks-db", "ours, a task a mail")
MESSAGES = {"small": 400, "full": 2_000}
ROUNDS = 5
SECONDS = 10
A_SECOND = 50


def run(*, size: str) -> None:
    """Measures, prints the ratios and writes the result."""
    details: dict[str, Any] = {"messages_a_round": MESSAGES[size], "workers": 1, "threads": 1}
    with postgres("commandqueue"), sink() as (port, name):
        details["smtp_server"] = name
        figures = throughput(port, messages=MESSAGES[size])
        setup(port)
        enqueueing = enqueue_beside_insert()
        contact = contact_form(port)
        delays = deliver(port)
    ratios: dict[str, Any] = {
        "vs_django_mailer": round(ratio(figures["django-mailer"], figures["ours"]), 2),
        "vs_post_office": round(ratio(figures["django-post_office"], figures["ours"]), 2),
        "vs_django_tasks_db": round(ratio(figures["django-tasks-db"], figures["ours"]), 2),
        "task_a_mail_vs_django_tasks_db": round(
            ratio(figures["django-tasks-db"], figures["ours, a task a mail"]), 2
        ),
        "enqueue_vs_insert": round(ratio(enqueueing["enqueue"], enqueueing["plain INSERT"]), 2),
        "contact_smtp_dead_vs_alive": round(ratio(contact["SMTP down"], contact["SMTP up"]), 2),
        "delivery_p95_s": round(statistics.quantiles(delays, n=20)[-1], 2),
        "delivery_p50_s": round(statistics.median(delays), 2),
    }
    details["milliseconds_a_message"] = {name: figure.as_json() for name, figure in figures.items()}
    details["messages_a_second"] = {name: round(1000 / figure.median) for name, figure in figures.items()}
    details["enqueue_milliseconds"] = {name: figure.as_json() for name, figure in enqueueing.items()}
    details["contact_milliseconds"] = {name: figure.as_json() for name, figure in contact.items()}
    if size == "full":
        details["a_million"] = a_million()
        ratios |= {name: details["a_million"][name] for name in ("claim_after_vs_before", "table_mb_after")}
    path = report.write("commandqueue", size=size, ratios=ratios, details=details)
    plot(figures, path.with_suffix(".svg"))
    for key, value in {**details["messages_a_second"], **ratios}.items():
        print(f"{key:<32} {value}")
    print(f"\n{path}")


def throughput(port: int, *, messages: int) -> dict[str, Figure]:
    """Milliseconds a message of each rival, in turns."""
    rivals = [Rival(name, port=port) for name in RIVALS]
    figures = {rival.name: Figure(calls=messages) for rival in rivals}
    try:
        for turn in range(-1, ROUNDS):
            shift = turn % len(rivals)
            for rival in rivals[shift:] + rivals[:shift]:
                # The first round fills caches and makes plans.
                count = messages if turn >= 0 else messages // 4
                rival.seconds(f"enqueue {count}")
                took = rival.seconds("drain") * 1000 / count
                if turn >= 0:
                    figures[rival.name].rounds.append(took)
            print(f"round {turn + 1} of {ROUNDS}")
    finally:
        for rival in rivals:
            rival.close()
    return figures


def setup(port: int) -> None:
    """Django for the rest, with mail through the queue to the sink."""
    os.environ |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_TLS": "false", "MAIL_DIR": ""}
    os.environ["CONTACT_EMAIL"] = "ops@example.org"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.commandqueue.models import Command

    Command.objects.all().delete()


def enqueue_beside_insert() -> dict[str, Figure]:
    """One rendered message from its bytes to COMMIT: into the queue, and into a table with nothing else."""
    from django.core.mail import mailers
    from django.db import connection, transaction

    from apps.commandqueue.mail.backend import QueueEmailBackend
    from apps.commandqueue.mail.rendering import render
    from bench._commandqueue_rival import message

    queue = mailers.default
    if not isinstance(queue, QueueEmailBackend):
        raise SystemExit("mail does not go through the queue")
    mail = render(message(1))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_outbox")
        cursor.execute(
            "CREATE TABLE bench_outbox (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT"
            " now(), message_id text NOT NULL, sender text NOT NULL, recipients text[] NOT NULL,"
            " body bytea NOT NULL)"
        )

    def enqueue() -> None:
        with transaction.atomic():
            row = queue.row(mail, queue_name="default", priority=0, secret=False, lifetime=172_800)
            queue.insert([row])

    def insert() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bench_outbox (message_id, sender, recipients, body) VALUES (%s, %s, %s, %s)",
                [mail.message_id, mail.sender, mail.recipients, mail.body],
            )

    return interleaved(
        {"enqueue": enqueue, "plain INSERT": insert}, rounds=15, seconds_a_turn=0.3, most_calls=500
    )


def contact_form(port: int) -> dict[str, Figure]:
    """The contact form, posted: with its mailer's SMTP server there and with nobody on the port."""
    from django.conf import settings
    from django.test import Client, override_settings

    from apps.contact.forms import stamp

    numbers = iter(range(1, 1_000_000))

    def post(smtp_port: int) -> None:
        number = next(numbers)
        with mock.patch("time.time", return_value=time.time() - 60):
            key = stamp()
        form = {
            "name": "Ann",
            "email": f"{uuid.uuid4().hex}@example.org",
            "subject": "the kettle",
            "text": "hello, " * 50,
            "website": "",
            "form_key": key,
        }
        direct = settings.MAILERS["direct"]
        options = direct["OPTIONS"] | {"port": smtp_port}
        with override_settings(MAILERS=settings.MAILERS | {"direct": direct | {"OPTIONS": options}}):
            # Everyone from a network of their own: limits are not what is measured.
            address = f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}"
            response = Client(REMOTE_ADDR=address, headers={"host": "localhost"}).post("/contact/", form)
        if response.status_code != 302:
            raise SystemExit(f"the contact form answered {response.status_code}")

    dead = unused_port()
    return interleaved({"SMTP up": lambda: post(port), "SMTP down": lambda: post(dead)}, rounds=11)


def deliver(port: int) -> list[float]:
    """Seconds from enqueueing to settlement, at an even rate, with a worker of its own process."""
    from apps.commandqueue.models import Command
    from bench._commandqueue_rival import message

    mail = Command.objects.filter(kind="mail")
    mail.delete()
    command = [sys.executable, "manage.py", "runworker", "--queues=default"]
    worker = subprocess.Popen(command, cwd=ROOT, env=os.environ)
    try:
        message(0).send()
        while mail.exclude(state="done").exists():
            time.sleep(0.1)
        mail.delete()
        started = time.monotonic()
        for number in range(SECONDS * A_SECOND):
            time.sleep(max(0, started + number / A_SECOND - time.monotonic()))
            message(number).send()
        while mail.exclude(state="done").exists():
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.wait()
    times = mail.values_list("created_at", "finished_at")
    return [(finished - created).total_seconds() for created, finished in times if finished is not None]


def plot(figures: dict[str, Figure], path: Path) -> None:
    """Messages a second, one bar a rival."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 3.5))
    names = list(reversed(figures))
    colours = ["#bbd26c" if name.startswith("ours") else "#c9c9c9" for name in names]
    axes.barh(names, [1000 / figures[name].median for name in names], color=colours)
    axes.set_xlabel("messages a second (one worker, one thread, one local SMTP sink)")
    axes.set_title("Mail through a queue")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
