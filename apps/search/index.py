"""Writes of the index, beside those that `statements` adds to new kwips: edits, names, existing rows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import batched
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Max, Min, Model, QuerySet

from apps.accounts import events as accounts_events
from apps.accounts.models import User
from apps.kwips import events as kwips_events
from apps.kwips import formatting
from apps.kwips.models import Kwip, Tag
from apps.search.models import Entry, PersonName, TagName
from apps.search.statements import SQL
from apps.search.words import folded_name, vector

# Ids that `build` looks at, and rows that it writes in one transaction, which holds their locks.
WINDOW = 20_000
BATCH = 250


@kwips_events.edited.within
def on_edited(event: kwips_events.Edited) -> None:
    _write([event.kwip], _tags_of(event.kwip))


@kwips_events.imported.within
def on_imported(event: kwips_events.Imported) -> None:
    new_tags = {name for names in event.tags.values() for name in names}
    _write(event.kwips, sorted(new_tags))


@accounts_events.joined.within
def on_joined(event: accounts_events.Joined) -> None:
    name_people([event.user])


@accounts_events.profile_changed.within
def on_profile_changed(event: accounts_events.ProfileChanged) -> None:
    if event.fields & {"username", "display_name"}:
        name_people([event.user])


@accounts_events.renamed.within
def on_renamed(event: accounts_events.Renamed) -> None:
    name_people(User.objects.filter(pk=event.user_id))


def name_people(people: Iterable[User]) -> None:
    rows = [PersonName(user=person, name=_name_of(person)) for person in people]
    PersonName.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user"], update_fields=["name"]
    )


def _name_of(person: User) -> str:
    return folded_name(f"{person.username} {person.display_name}")


def name_tags(found: Collection[Tag]) -> None:
    rows = [TagName(tag=tag, name=folded_name(tag.name)) for tag in sorted(found, key=lambda tag: tag.pk)]
    TagName.objects.bulk_create(rows, update_conflicts=True, unique_fields=["tag"], update_fields=["name"])


class Progress(NamedTuple):
    """``done`` of about ``total`` ids of ``what`` have been looked at, and ``written`` rows were written."""

    what: str
    done: int
    total: int
    written: int


def build(*, again: bool = False) -> Iterator[Progress]:
    """Indexes what is not indexed, or everything ``again``: the newest kwips first, in batches.

    It can be interrupted and run again at any time: what is indexed is skipped.
    """
    yield from _build(Kwip, Entry, "kwips", _index, again=again)
    yield from _build(User, PersonName, "people", lambda ids: name_people(_locked(User, ids)), again=again)
    yield from _build(Tag, TagName, "tags", lambda ids: name_tags(list(_locked(Tag, ids))), again=again)


def _build(
    model: type[Model],
    index: type[Model],
    what: str,
    write: Callable[[Sequence[int]], object],
    *,
    again: bool,
) -> Iterator[Progress]:
    rows = model._default_manager.order_by("-pk").values_list("pk", flat=True)
    # By the rows, not by their numbers: these have gaps, and imported kwips are below zero.
    ids = list(rows[:WINDOW])
    bounds = model._default_manager.aggregate(newest=Max("pk"), oldest=Min("pk"))
    newest, written = bounds["newest"] or 0, 0
    total = newest - (bounds["oldest"] or 0) + 1
    while ids:
        there: set[int] = set()
        if not again:
            indexed = index._default_manager.filter(pk__gte=ids[-1], pk__lte=ids[0])
            there = set(indexed.values_list("pk", flat=True))
        for batch in batched([pk for pk in ids if pk not in there], BATCH):
            with transaction.atomic():
                write(batch)
            written += len(batch)
            yield Progress(what, newest - batch[-1] + 1, total, written)
        yield Progress(what, newest - ids[-1] + 1, total, written)
        ids = list(rows.filter(pk__lt=ids[-1])[:WINDOW])


def _index(ids: Sequence[int]) -> None:
    """The locks hold off edits, and deletions, between the read and the write of a row."""
    _write(list(_locked(Kwip, ids).only("pk", "text", "content_note", "is_formatted")))


def _locked[M: Model](model: type[M], ids: Sequence[int]) -> QuerySet[M]:
    return (
        model._default_manager.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    )


def _tags_of(kwip: Kwip) -> list[str]:
    return formatting.tags_and_mentions(kwip.text, formatted=kwip.is_formatted)[0]


def _write(kwips: Collection[Kwip], new_tags: Sequence[str] = ()) -> None:
    """Indexes kwips whose rows are locked, in place of what the index had, and these tags."""
    parameters = {
        "ids": [kwip.pk for kwip in kwips],
        "vectors": [vector(kwip.noted_text, _tags_of(kwip)) for kwip in kwips],
        "tags": list(new_tags),
        "folded_tags": [folded_name(tag) for tag in new_tags],
    }
    with connection.cursor() as cursor:
        SQL.statement("index").execute(cursor, parameters)
