"""The command queue: beside other queues, and what it costs a request.

Throughput: each rival sends the same messages to the same SMTP server (Postfix's smtp-sink) with its own
worker, one process and one thread, in an environment where it works; they take turns. Enqueueing: from
rendered bytes to COMMIT, beside a plain INSERT of the same bytes. The contact form: posted with SMTP up and
down. Delivery: from enqueueing to settlement, at 50 a second. Full size: a million commands sent and
purged.
"""

import os
import statistics
import subprocess
import sys
import time
import uuid
from typing import Any
from unittest import mock

from bench.commandqueue.million import a_million
from bench.commandqueue.rival_process import message
from bench.commandqueue.rivals import Rival, smtp_sink
from bench.lib.database import ROOT, Server, empty, postgres
from bench.lib.measure import Ratio, Timing, interleaved, rotated, times_as_fast, times_as_long
from bench.lib.report import Result
from deploy.local.edge import free_port

PROGRAMS = MODULES = ()
RIVALS = ("ours", "django-mailer", "django-post_office", "django-tasks-db", "ours, a task a mail")
MESSAGES = {"small": 400, "full": 2_000}
ROUNDS = 5
SECONDS = 10
A_SECOND = 50


def run(*, size: str) -> Result:
    """Measures all of it; the rivals first, for each has a database of its own."""
    details: dict[str, Any] = {"messages_a_round": MESSAGES[size], "workers": 1, "threads": 1}
    with postgres() as server, smtp_sink() as (port, name), empty(server, "commandqueue"):
        details["smtp_server"] = name
        sending = throughput(server, port, messages=MESSAGES[size])
        setup(port)
        enqueueing = enqueue_beside_insert()
        contact = contact_form(port)
        delays = deliver(port)
    figures: dict[str, Ratio | float | int] = {
        "mail_times_as_fast_as_django_mailer": times_as_fast(sending["ours"], sending["django-mailer"]),
        "mail_times_as_fast_as_post_office": times_as_fast(sending["ours"], sending["django-post_office"]),
        "mail_times_as_fast_as_django_tasks_db": times_as_fast(sending["ours"], sending["django-tasks-db"]),
        "task_times_as_fast_as_django_tasks_db": times_as_fast(
            sending["ours, a task a mail"], sending["django-tasks-db"]
        ),
        "enqueueing_times_as_long_as_insert": times_as_long(
            enqueueing["enqueue"], enqueueing["plain INSERT"]
        ),
        "contact_form_times_as_long_with_smtp_down": times_as_long(contact["SMTP down"], contact["SMTP up"]),
        "delivery_p50_s": round(statistics.median(delays), 2),
        "delivery_p95_s": round(statistics.quantiles(delays, n=20)[-1], 2),
    }
    details["milliseconds_a_message"] = as_json(sending)
    details["messages_a_second"] = {name: round(1000 / timing.median) for name, timing in sending.items()}
    details["enqueue_milliseconds"] = as_json(enqueueing)
    details["contact_milliseconds"] = as_json(contact)
    if size == "full":
        details["a_million"] = a_million()
        for figure in ("claim_times_as_long_after_a_million", "table_mb_after_a_million"):
            figures[figure] = details["a_million"][figure]
    table = [f"{name:<32} {rate:>8} messages a second" for name, rate in details["messages_a_second"].items()]
    return Result(figures, details, table)


def as_json(timings: dict[str, Timing]) -> dict[str, object]:
    return {name: timing.as_json() for name, timing in timings.items()}


def throughput(server: Server, port: int, *, messages: int) -> dict[str, Timing]:
    """Milliseconds a message of each rival, in turns."""
    rivals = [Rival(name, server=server, port=port) for name in RIVALS]
    timings = {rival.name: Timing(calls=messages) for rival in rivals}
    try:
        for number in range(-1, ROUNDS):
            for rival in rotated(rivals, number):
                # The first round fills caches and makes plans.
                count = messages if number >= 0 else messages // 4
                rival.seconds(f"enqueue {count}")
                took = rival.seconds("drain") * 1000 / count
                if number >= 0:
                    timings[rival.name].rounds.append(took)
            print(f"round {number + 1} of {ROUNDS}")
    finally:
        for rival in rivals:
            rival.close()
    return timings


def setup(port: int) -> None:
    """Sets Django up for the rest, with mail through the queue to the SMTP server."""
    os.environ |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_TLS": "false", "MAIL_DIR": ""}
    os.environ["CONTACT_EMAIL"] = "ops@example.org"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def enqueue_beside_insert() -> dict[str, Timing]:
    """One rendered message from its bytes to COMMIT: into the queue, and into a table with nothing else."""
    from django.core.mail import mailers
    from django.db import connection, transaction

    from apps.commandqueue.mail.backend import QueueEmailBackend
    from apps.commandqueue.mail.rendering import render

    queue = mailers.default
    if not isinstance(queue, QueueEmailBackend):
        raise SystemExit("bench: mail does not go through the queue")
    mail = render(message(1))
    with connection.cursor() as cursor:
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


def contact_form(port: int) -> dict[str, Timing]:
    """The contact form, posted with the SMTP server up, and with nothing listening on its port."""
    from django.conf import settings
    from django.test import Client, override_settings

    from apps.contact.forms import new_form_key

    numbers = iter(range(1, 1_000_000))

    def post(smtp_port: int) -> None:
        number = next(numbers)
        with mock.patch("time.time", return_value=time.time() - 60):
            key = new_form_key()
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
            # Each from another network: rate limits are not measured.
            address = f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}"
            response = Client(REMOTE_ADDR=address, headers={"host": "localhost"}).post("/contact/", form)
        if response.status_code != 302:
            raise SystemExit(f"bench: the contact form answered {response.status_code}")

    dead = free_port()
    return interleaved({"SMTP up": lambda: post(port), "SMTP down": lambda: post(dead)}, rounds=11)


def deliver(port: int) -> list[float]:
    """Seconds from enqueueing to settlement, at an even rate, with one worker."""
    from apps.commandqueue.models import Command

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
