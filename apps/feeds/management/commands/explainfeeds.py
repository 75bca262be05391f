"""Prints PostgreSQL's plan for each timeline, on the site's own data."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.feeds import plans, queries
from apps.feeds.queries import PAGE_SIZE, Timeline
from apps.keyset import Seek
from apps.kwips.models import Kwip, KwipTag

DEPTH = 1_000


class Command(BaseCommand):
    help = (
        "Prints EXPLAIN (ANALYZE, BUFFERS) for every timeline: page 1, and a page "
        f"{DEPTH:,} kwips further down. Default viewer: the member with the most followees."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--viewer", metavar="NAME", help="the viewer; '-' for anonymous")
        parser.add_argument("--only", metavar="FILE", help="one .sql file, by its name without .sql")

    def handle(self, *args: Any, **options: Any) -> None:
        viewer = self._viewer(options["viewer"])
        for timeline in timelines(viewer):
            for where, seek in _seeks(timeline):
                for name, statement in plans.statements(timeline, seek).items():
                    if options["only"] in (None, name):
                        title = f"── {name}.sql · {timeline.order.name} · {where} "
                        self.stdout.write(self.style.MIGRATE_HEADING(title.ljust(100, "─")))
                        self.stdout.write(plans.explained(statement) + "\n\n")

    def _viewer(self, name: str | None) -> User | None:
        if name == "-":
            return None
        if name:
            found = User.objects.filter(username=name.lower()).first()
            if found is None:
                raise CommandError(f"no user is named {name}")
            return found
        return User.objects.order_by("-following_count").first()


def timelines(viewer: User | None) -> Iterator[Timeline]:
    """Every timeline for this viewer, of the people, tags and threads that have most in them."""
    viewer_id = viewer.pk if viewer else None
    people = User.objects.filter(is_active=True)
    for sort in ("", queries.ACTIVE):
        yield queries.everyone(viewer_id=viewer_id, sort=sort)
        if viewer:
            yield queries.network(viewer_id=viewer.pk, following_count=viewer.following_count, sort=sort)
        if person := people.order_by("-kwips_count").first():
            yield queries.person(viewer_id=viewer_id, person_id=person.pk, sort=sort)
        if viewer:
            count = viewer.following_count
            yield queries.network_unseen(viewer_id=viewer.pk, following_count=count, sort=sort)
    if person := people.order_by("-comments_count").first():
        yield queries.comments(viewer_id=viewer_id, person_id=person.pk)
    if person := people.order_by("-favourites_count").first():
        yield queries.favourites(viewer_id=viewer_id, person_id=person.pk)
    if tagged := KwipTag.objects.select_related("tag").first():
        yield queries.tag(viewer_id=viewer_id, name=tagged.tag.name)
    if thread := Kwip.objects.order_by("-comments_count").first():
        yield queries.conversation(viewer_id=viewer_id, thread_id=thread.pk)


def _seeks(timeline: Timeline) -> Iterator[tuple[str, Seek]]:
    order, limit = timeline.order, PAGE_SIZE + 1
    yield "page 1", Seek(order, order.start, backward=False, limit=limit)
    above = timeline.fetch(Seek(order, order.start, backward=False, limit=DEPTH))
    if len(above) > PAGE_SIZE:
        position = order.position_of(above[-1])
        yield f"after {len(above):,} kwips", Seek(order, position, backward=False, limit=limit)
        yield f"before {len(above):,} kwips, backward", Seek(order, position, backward=True, limit=limit)
