"""Moves an invented community in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection, transaction
from django.utils.dateparse import parse_datetime

from apps.accounts.models import User
from apps.demo import builder, bulk_copy, clock, grammar, tables
from apps.demo.builder import Community, Shape
from apps.demo.progress import Progress
from apps.demo.simulation import Simulation

# A large community ends here unless told otherwise, so that it is the same whenever it is made.
END = datetime(2026, 11, 1, tzinfo=UTC)
DEMO_PEOPLE, DEMO_KWIPS = 300, 5_000
DAYS, DAYS_OF_DEMO = 365, 42


class Command(BaseCommand):
    help = (
        "Moves an invented community in: people, follows, kwips, about 0.5 comments per kwip, favourites, "
        "tags and mentions. The same --seed, sizes and --until make the same rows. It is one transaction, so "
        "an interrupted run leaves nothing. Until it ends the site has to wait: indexes and foreign keys of "
        "the large tables are dropped and made again, which is much faster. Nobody has a password but demo."
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
            help=f"the community a newcomer meets: {DEMO_PEOPLE} people, {DEMO_KWIPS:,} kwips of the last "
            f"{DAYS_OF_DEMO} days, as many comments, and an account to sign in to ({builder.DEMO}, "
            f"{builder.DEMO_PASSWORD}); does nothing where there are people already",
        )  # fmt: skip
        parser.add_argument("--force", action="store_true", help="even beside people who are there already")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = options["demo"]
        number, kwips = self._sizes(options)
        until = _until(options["until"], now=demo)
        progress = Progress(shown=options["verbosity"] > 0)
        if User.objects.exists() and not options["force"]:
            if not demo:
                raise CommandError("there are people here already; --force adds a community beside them.")
            if options["verbosity"]:
                self.stdout.write("there are people here already: the demo community stays away.")
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
                raise CommandError(f"somebody called {builder.DEMO} is here already.")
        if number is None or kwips is None:
            raise CommandError("how many? give --people and --kwips, or --demo.")
        if number < 1 or kwips < 0:
            raise CommandError("it takes at least one person, and no fewer than 0 kwips.")
        return number, kwips


def _populate_at_once(shape: Shape, kwips: int, progress: Progress) -> str:
    """All or nothing; returns what to say of it. Raises CommandError where it can't or mustn't go on."""
    try:
        with transaction.atomic():
            return _populate(shape, kwips, progress)
    except OperationalError as error:
        if "lock timeout" not in str(error):
            raise
        raise CommandError("the site is at work on this database; stop it first.") from error
    except KeyboardInterrupt:
        raise CommandError("stopped; nothing was kept.", returncode=130) from None


def _populate(shape: Shape, kwips: int, progress: Progress) -> str:
    """Everything inside the one transaction; returns what to say of it."""
    with tables.bare(builder.LARGE):
        progress.step("Inventing people")
        home = Community(shape, grammar.read(), builder.first_ids(empty=not User.objects.exists()))
        follows = shape.people * int(shape.following)
        for _ in progress.over(home.befriend(), follows, "Letting them follow each other"):
            bulk_copy.copy_when_many(home.tables)
        simulation = Simulation(home)
        for _ in progress.over(simulation.kwips(kwips), kwips, "Letting them kwip"):
            bulk_copy.copy_when_many(home.tables)
        home.register()
        for table in home.tables:
            table.copy()
        builder.set_sequences(home.tables)
        progress.step("Making the indexes again")
    return (
        f"{shape.people:,} people moved in: {sum(home.counts.kwips):,} kwips, "
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
            raise CommandError("--until wants a time, such as 2026-11-01T12:00:00Z.")
        moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return clock.microseconds(moment)


@contextmanager
def _without_timeouts() -> Iterator[None]:
    """Lifts the limits that keep the site's own statements short, and gives the indexes memory."""
    settings = {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "maintenance_work_mem": "256MB",
        # VACUUM counts no row as visible to all before its transaction is on disk.
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
    """Fresh statistics, and, outside a transaction, the visibility map that index-only scans need."""
    vacuum = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in builder.FILLED)
    with connection.cursor() as cursor:
        cursor.execute(f"{vacuum} {names}")
