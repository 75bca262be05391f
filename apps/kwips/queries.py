"""Reads of kwips: by their ids, as the cards that every list shows."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Exists, Model, OuterRef, Q
from django.db.models.functions import Left
from django.utils.safestring import SafeString

from apps.accounts import faces
from apps.accounts.models import User
from apps.accounts.queries import ids_of, known_names
from apps.graph.models import Follow
from apps.keyset import KeysetOrder, Page, from_queryset, paginate
from apps.kwips import folding, formatting, reading
from apps.kwips import text as kwip_text
from apps.kwips.card_pictures import CardPicture
from apps.kwips.models import Kwip, KwipTag, Revision, Tombstone, Withheld
from apps.kwips.visibility import ANYONE, SQL, Visible
from apps.plaintext import language_of, safe

HISTORY_SIZE = 5  # of 5,000 characters each, at worst
_KWIP_COLUMNS = (
    "id", "author_id", "thread_id", "text", "content_note", "is_formatted", "visibility", "audience_id",
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """The facts of a kwip or comment, the same for every viewer."""

    id: Visible
    version: int
    author_id: int
    authors_version: int  # of its author, and of whose kwip it is about
    username: str
    name: str
    avatar: str  # the name of an upload, or the face that is drawn beside the text; "" for the derived one
    text: str
    size: int  # of the whole text, in bytes
    content_note: str  # what is shown instead of the text until it is asked for; "" for none
    is_formatted: bool
    created_at: datetime.datetime
    edited_at: datetime.datetime | None
    comments_count: int
    favourites_count: int
    shares_count: int
    followers_only: bool
    withheld: int  # bits of `Withheld`, without that of its author's state
    thread_id: int | None
    thread_author_id: int | None
    thread_username: str
    answers_id: int | None
    thread_excerpt: str
    mentions: frozenset[str]
    # The ids of mentioned people who are switched off.
    unlinked: tuple[int, ...]
    is_sensitive: bool
    pictures: tuple[CardPicture, ...]
    # A card is the same for every viewer, and in every list.
    marks: ClassVar[None] = None
    shared_by: ClassVar[None] = None
    muffled: ClassVar[None] = None

    @property
    def url(self) -> str:
        """The kwip's address; a comment's leads into its conversation."""
        return f"/{self.username}/kwip/{self.id}/"

    @property
    def photo(self) -> CardPicture | None:
        """The picture that other sites show beside a link."""
        is_folded = self.is_sensitive or self.content_note
        return self.pictures[0] if self.pictures and not is_folded else None

    @property
    def thread_url(self) -> str:
        return f"/{self.thread_username}/kwip/{self.thread_id}/"

    @property
    def answers_url(self) -> str:
        """The address of the comment that it answers, by a name that is part of the card's key."""
        return f"/{self.thread_username}/kwip/{self.answers_id}/"

    @property
    def has_photo(self) -> bool:
        return faces.is_upload(self.avatar)

    @property
    def is_hidden(self) -> bool:
        """Whether a moderator hid it. Then only its author sees the card."""
        return bool(self.withheld & Withheld.HIDDEN)

    @property
    def is_held(self) -> bool:
        """Whether it waits for a moderator. Then only its author sees the card."""
        return bool(self.withheld & Withheld.HELD)

    @property
    def is_comment(self) -> bool:
        return self.thread_id is not None

    @property
    def is_imported(self) -> bool:
        return self.id < 0

    @property
    def excerpt(self) -> str:
        """The first words, for titles; of the note, if it has one."""
        return self._excerpt(words=12, characters=kwip_text.EXCERPT_CHARACTERS)

    @property
    def preview(self) -> str:
        """As much as sites show of a page that is shared there."""
        return self._excerpt(words=300, characters=280)

    def _excerpt(self, *, words: int, characters: int) -> str:
        formatted = self.is_formatted and not self.content_note
        return formatting.excerpt(
            self.content_note or self.text, formatted=formatted, words=words, characters=characters
        )

    def _html(self, text: str) -> SafeString:
        to_html = formatting.to_html if self.is_formatted else kwip_text.to_html
        return to_html(text, self.mentions)

    @cached_property
    def language(self) -> str:
        """The language of the text, or "" if unknown."""
        return language_of(self.text)

    @cached_property
    def _folded(self) -> folding.Fold:
        return folding.fold(self.text)

    @property
    def is_folded(self) -> bool:
        return self._folded.has_more

    @property
    def minutes_left(self) -> int:
        """How long it takes to read what the fold hides."""
        shown = self._folded.beginning
        return reading.minutes(self.text[len(shown) :], self.size - len(shown.encode()))

    @property
    def minutes(self) -> int:
        """How long it takes to read the text."""
        return reading.minutes(self.text, self.size)

    @property
    def is_letter(self) -> bool:
        """Whether its own page shows it as a letter."""
        return not self.is_comment and len(self.text) > folding.LETTER_CHARACTERS

    @cached_property
    def _titled(self) -> tuple[str, str]:
        if not self.is_letter or self.content_note:  # a title is not folded
            return "", self.text
        title, rest = folding.split_title(self.text)
        if title and self.is_formatted and formatting.begins_block(title):
            return "", self.text
        return title, rest

    @property
    def title_html(self) -> SafeString:
        """The title of a letter, or ""."""
        to_html = formatting.line_to_html if self.is_formatted else kwip_text.line_to_html
        return to_html(self._titled[0], self.mentions)

    @property
    def below_title_html(self) -> SafeString:
        """The text but for its title."""
        return self._html(self._titled[1])

    @cached_property
    def html(self) -> SafeString:
        """The beginning that a list shows."""
        return self._html(self._folded.beginning)

    @cached_property
    def _folded_long(self) -> tuple[str, bool]:
        return folding.fold_long(self.text)

    @property
    def is_long(self) -> bool:
        """Whether not even a conversation shows all of it."""
        return self._folded_long[1]

    @cached_property
    def long_html(self) -> SafeString:
        """What a conversation shows."""
        return self._html(self._folded_long[0])

    @cached_property
    def whole_html(self) -> SafeString:
        return self._html(self.text)


def cards(ids: Sequence[Visible], *, characters: int = folding.ENOUGH_TO_FOLD) -> list[Card]:
    """Cards in the order of ``ids``, without deleted kwips: one query for ``characters`` of each text.

    The type of the ids proves that the viewer may see them; the predicate is not evaluated again.
    """
    if not ids:
        return []
    with connection.cursor() as cursor:
        SQL.statement("cards").execute_prepared(cursor, {"ids": list(ids), "length": characters})
        return [_card(row) for row in cursor.fetchall()]


def _card(row: tuple[Any, ...]) -> Card:
    *columns, thread_beginning, thread_formatted, mentioned, unlinked, is_sensitive, pictures = row
    thread_excerpt = formatting.excerpt(thread_beginning, formatted=thread_formatted)
    columns += [thread_excerpt, frozenset(mentioned), tuple(unlinked)]
    columns += [is_sensitive, tuple([CardPicture(*facts) for facts in pictures or ()])]
    card = Card(*columns)
    # The first smiley of the words that are shown is the face beside them.
    avatar = faces.with_mood(card.username, card.avatar, card.content_note or card.text)
    return replace(card, name=safe(card.name), content_note=safe(card.content_note), avatar=avatar)


class ShownCounts(NamedTuple):
    """A person's counters, as a viewer sees them."""

    comments_count: int
    favourites_count: int
    followers_count: int
    following_count: int
    kwips_count: int


def shown_counts(person: User, viewer_id: int | None) -> ShownCounts:
    """A person's counters, without what the lists do not show to the viewer.

    The counters of comments and favourites include what the viewer may not see: to be exact they would have
    to read all of it.
    """
    counts = ShownCounts(*(getattr(person, name) for name in ShownCounts._fields))
    if viewer_id == person.pk:
        return counts  # what the side of each page says, too
    with connection.cursor() as cursor:
        parameters = {"person": person.pk, "viewer": viewer_id or ANYONE}
        SQL.statement("left_out").execute_prepared(cursor, parameters)
        followers, following, kwips = cursor.fetchone()
    return counts._replace(
        followers_count=max(0, counts.followers_count - followers),
        following_count=max(0, counts.following_count - following),
        kwips_count=max(0, counts.kwips_count - kwips),
    )


def visible_kwip(kwip_id: int, viewer_id: int | None) -> Kwip | None:
    """The kwip or comment, or None where the viewer may not see it.

    With its text and audience, with its author and thread; their other fields are deferred.
    """
    with connection.cursor() as cursor:
        parameters = {"kwip": kwip_id, "viewer": viewer_id or ANYONE}
        SQL.statement("visible_kwip").execute_prepared(cursor, parameters)
        if (row := cursor.fetchone()) is None:
            return None
    *columns, username, threads_author_id, threads_username = row
    kwip = loaded(Kwip, **dict(zip(_KWIP_COLUMNS, columns, strict=True)))
    kwip.author = loaded(User, id=kwip.author_id, username=username)
    if kwip.thread_id is not None:
        kwip.thread = loaded(Kwip, id=kwip.thread_id, author_id=threads_author_id, thread_id=None)
        kwip.thread.author = loaded(User, id=threads_author_id, username=threads_username)
    kwip.visible = Visible(kwip.pk)
    return kwip


def loaded[M: Model](model: type[M], **columns: Any) -> M:
    """A row with these columns; the others are deferred."""
    names = [field.attname for field in model._meta.concrete_fields if field.attname in columns]
    return model.from_db(DEFAULT_DB_ALIAS, names, [columns[name] for name in names])


class EarlierVersion(NamedTuple):
    """A revision in a history: its text, or the beginning of a long one."""

    id: int
    written_at: datetime.datetime
    content_note: str
    is_formatted: bool
    text: str
    is_long: bool

    @property
    def language(self) -> str:
        """The language of the text, or "" if unknown."""
        return language_of(self.text)


def history(kwip: Kwip, arguments: Mapping[str, str]) -> Page[EarlierVersion]:
    """The former texts of a kwip, the latest first. Raises `BadCursor`."""
    order = KeysetOrder(f"history {kwip.pk}")
    beginning = Left("text", folding.ENOUGH_TO_FOLD_LONG)
    rows = kwip.revisions.defer("text").annotate(beginning=beginning)
    page: Page[Any] = paginate(arguments, order, from_queryset(rows, order), limit=HISTORY_SIZE)
    return page.with_items([_earlier(row) for row in page])


def _earlier(row: Any) -> EarlierVersion:
    beginning, is_long = folding.fold_long(row.beginning)
    note = safe(row.content_note)
    return EarlierVersion(row.pk, row.written_at, note, row.is_formatted, beginning, is_long)


def people_named(texts: Iterable[str]) -> frozenset[str]:
    """The existing people that the texts mention, for texts without `Mention` rows."""
    return known_names({name for text in texts for name in kwip_text.mentions(text)})


def revision(kwip: Kwip, revision_id: int) -> Revision | None:
    return kwip.revisions.filter(pk=revision_id).first()


def is_gone(kwip_id: int, viewer_id: int | None, username: str | None = None) -> bool:
    """Whether the kwip (of that author) was deleted and had been visible to the viewer."""
    meant = Q(public=True)
    if viewer_id:
        follows = Follow.objects.filter(follower=viewer_id, followee=OuterRef("audience"))
        meant |= Q(author=viewer_id) | Q(audience=viewer_id) | Q(Exists(follows))
    gone = Tombstone.objects.filter(meant, pk=kwip_id)
    if username is not None:
        # By id: the author may have changed their name.
        gone = gone.filter(author__in=ids_of([username]))
    return gone.exists()


class MadeByForm(NamedTuple):
    kwip_id: int
    is_deleted: bool


def made_by_form(author_id: int, form_key: uuid.UUID) -> MadeByForm | None:
    """The kwip or comment with this form key, which may be deleted."""
    with connection.cursor() as cursor:
        parameters = {"author": author_id, "form_key": str(form_key)}
        SQL.statement("by_form").execute_prepared(cursor, parameters)
        row = cursor.fetchone()
    return MadeByForm(*row) if row else None


def tags_of(*kwips: Kwip) -> dict[int, set[str]]:
    """The names of the tags by the ids of kwips and comments: one query at most."""
    names: defaultdict[int, set[str]] = defaultdict(set)
    rows = KwipTag.objects.filter(kwip__in=[kwip.pk for kwip in kwips]).values_list("kwip_id", "tag__name")
    for kwip_id, name in rows:
        names[kwip_id].add(name)
    return names
