"""Generates demo data."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection, transaction
from django.utils.dateparse import parse_datetime

from apps.accounts.models import User
from apps.demo import builder, bulk_copy, care, clock, grammar, house, letters, notices, photos, requests
from apps.demo.builder import Community, Shape
from apps.demo.progress import Progress
from apps.demo.simulation import Simulation
from apps.search import index as search

END = datetime(2026, 11, 1, tzinfo=UTC)  # default of --until: fixed, so that the rows are reproducible
DEMO_PEOPLE, DEMO_KWIPS = 300, 5_000
DAYS, DAYS_OF_DEMO = 365, 42


class Command(BaseCommand):
    help = (
        "Generates a community: people, follows, kwips, about 0.5 comments per kwip, favourites, tags and "
        "mentions. The same --seed, sizes and --until generate the same rows. It is one transaction, and "
        "locks the large tables, whose indexes and foreign keys it rebuilds. Only demo has a password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=int, metavar="N", help="how many people")
        parser.add_argument("--kwips", type=int, metavar="M", help="how many kwips; comments come on top")
        parser.add_argument("--seed", type=int, default=2008, metavar="S")
        parser.add_argument(
            "--until", metavar="TIME", help=f"when it ends (default: {END:%Y-%m-%d}; with --demo, now)"
        )
        parser.add_argument(
            "--demo", action="store_true",
            help=f"the demo community: {DEMO_PEOPLE} people, {DEMO_KWIPS:,} kwips of the last "
            f"{DAYS_OF_DEMO} days, as many comments, and an account to sign in to ({builder.DEMO}, "
            f"{builder.DEMO_PASSWORD}); does nothing if the database has people",
        )  # fmt: skip
        parser.add_argument("--force", action="store_true", help="even if the database has people")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = options["demo"]
        number, kwips = self._sizes(options)
        until = _until(options["until"], now=demo)
        progress = Progress(shown=options["verbosity"] > 0)
        if User.objects.exists() and not options["force"]:
            if not demo:
                raise CommandError("the database has people already; --force adds a community to them.")
            if options["verbosity"]:
                self.stdout.write("the database has people already: no demo community was added.")
            return
        shape = Shape(
            people=number,
            seed=options["seed"],
            since=until - (DAYS_OF_DEMO if demo else DAYS) * clock.DAY,
            until=until,
            following=22 if demo else 40,
            talkative=0.4 if demo else 0.15,
            longest=12 if demo else 500,
            demo=demo,
        )
        with _without_timeouts():
            made = _populate_at_once(shape, kwips, progress)
            if settings.SEARCH_INDEX:
                progress.step("Indexing for search")
                for _ in search.build():
                    pass
            progress.step("Vacuuming")
            _vacuum()
        if options["verbosity"]:
            self.stdout.write(made)

    def _sizes(self, options: dict[str, Any]) -> tuple[int, int]:
        number, kwips = options["people"], options["kwips"]
        if options["demo"]:
            number = DEMO_PEOPLE if number is None else number
            kwips = DEMO_KWIPS if kwips is None else kwips
            if options["force"] and User.objects.filter(username=builder.DEMO).exists():
                raise CommandError(f"the user {builder.DEMO} exists already.")
        if number is None or kwips is None:
            raise CommandError("--people and --kwips are required, or --demo.")
        if number < 1 or kwips < 0:
            raise CommandError("--people must be at least 1, --kwips at least 0.")
        return number, kwips


def _populate_at_once(shape: Shape, kwips: int, progress: Progress) -> str:
    """Runs one transaction; returns a summary. Raises CommandError."""
    try:
        with transaction.atomic():
            return _populate(shape, kwips, progress)
    except OperationalError as error:
        if "lock timeout" not in str(error):
            raise
        raise CommandError("the site is using this database; stop it first.") from error
    except KeyboardInterrupt:
        raise CommandError("stopped; nothing was stored.", returncode=130) from None


def _populate(shape: Shape, kwips: int, progress: Progress) -> str:
    with bulk_copy.without_indexes(builder.LARGE):
        progress.step("Generating people")
        home = Community(shape, grammar.read(), builder.first_ids(empty=not User.objects.exists()))
        first_kwip = home.kwip_rows.next_id
        follows = shape.people * int(shape.following)
        for _ in progress.over(home.follow(), follows, "Generating follows"):
            bulk_copy.copy_when_many(home.tables)
        simulation = Simulation(home)
        for _ in progress.over(simulation.kwips(kwips), kwips, "Generating kwips"):
            bulk_copy.copy_when_many(home.tables)
        home.register()
        for table in home.tables:
            table.copy()
        builder.set_sequences(home.tables)
        progress.step("Rebuilding indexes")
    if shape.demo:
        until = clock.EPOCH + timedelta(microseconds=shape.until)
        people = [
            person.id for person in home.people[: 1 + len(notices.OTHERS)]
        ]  # builder.FIRST is the demo's
        notices.notify(people=people, since_kwip=first_kwip, until=until)
        house.furnish(until=until)
        letters.deliver()
        requests.ask()
        care.look_after()
        photos.hang()
    return (
        f"{shape.people:,} people generated: {sum(home.counts.kwips):,} kwips, "
        f"{sum(home.counts.comments):,} comments, {sum(home.counts.favourites):,} favourites."
    )


def _until(given: str | None, *, now: bool) -> int:
    if given is None:
        moment = datetime.now(UTC) - timedelta(minutes=2) if now else END
    else:
        try:
            parsed = parse_datetime(given)
        except ValueError:
            parsed = None
        if parsed is None:
            raise CommandError("--until must be a time such as 2026-11-01T12:00:00Z.")
        moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return clock.microseconds(moment)


@contextmanager
def _without_timeouts() -> Iterator[None]:
    """Disables statement timeouts, and gives index builds memory."""
    settings = {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "maintenance_work_mem": "256MB",
        # VACUUM marks a row as visible to all only after its transaction is on disk.
        "synchronous_commit": "on",
    }
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute(f"SET {name} = '{value}'")
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                for name in settings:
                    cursor.execute(f"RESET {name}")


def _vacuum() -> None:
    """Updates statistics and, outside a transaction, the visibility map for index-only scans."""
    vacuum = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in builder.FILLED)
    with connection.cursor() as cursor:
        cursor.execute(f"{vacuum} {names}")
