"""`manage.py populate`."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.accounts.faces import face
from apps.accounts.models import Application, Invitation, User
from apps.accounts.validators import not_reserved, username_shape
from apps.demo import builder, grammar, photos
from apps.demo.care import MODERATOR
from apps.demo.house import APPLICANTS, HOUSE
from apps.demo.progress import Progress
from apps.demo.simulation import Simulation
from apps.directory.queries import first_follows
from apps.feeds.queries import network, of_the_day, pinned
from apps.graph.models import Follow, FollowRequest, Mute, MutedWord
from apps.keyset import Seek
from apps.kwips import actions, text, visibility
from apps.kwips.folding import LETTER_CHARACTERS, fold
from apps.kwips.models import Bookmark, Favourite, Kwip, KwipTag, Mention, Revision, Share, Tag
from apps.messages.queries import conversations
from apps.moderation.models import Case, Report
from apps.moderation.roles import Role, role_of
from apps.notifications.models import Notice
from apps.plaintext import clean
from apps.policy.queries import current

UNTIL = "2026-11-01T18:00:00Z"


_decoded_once = cache(photos._decoded)


@pytest.fixture(autouse=True)
def pictures_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every demo community has the same ones, and each decoding is a process."""
    monkeypatch.setattr(photos, "_decoded", _decoded_once)


def populate(**options: Any) -> str:
    said = io.StringIO()
    options = {"people": 80, "kwips": 500, "until": UNTIL, "verbosity": 0, "stdout": said} | options
    call_command("populate", **options)
    return said.getvalue()


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def one(sql: str) -> Any:
    return rows(sql)[0][0]


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def fingerprint() -> dict[str, str]:
    """A digest of each table, without the salted passwords."""
    digests = {}
    for model in builder.FILLED:
        columns = [f'"{field.column}"' for field in model._meta.concrete_fields if field.name != "password"]
        found = rows(f"SELECT {', '.join(columns)} FROM {model._meta.db_table} ORDER BY {', '.join(columns)}")
        assert found, model
        digests[model.__name__] = hashlib.sha256(repr(found).encode()).hexdigest()
    return digests


def made(**options: Any) -> dict[str, str]:
    with undone():
        populate(**options)
        return fingerprint()


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [False, True])
def test_the_same_seed_makes_the_same_community(demo):
    assert made(demo=demo) == made(demo=demo)


@pytest.mark.django_db
def test_another_seed_makes_another_community():
    first, second = made(seed=1), made(seed=2)
    assert not set(first.items()) & set(second.items())


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [False, True])
def test_every_counter_says_what_the_rows_say(demo):
    populate(demo=demo, people=150, kwips=1_500)
    counted = {
        "kwips_count": "kwips_kwip x WHERE x.author_id = u.id AND x.thread_id IS NULL",
        "comments_count": "kwips_kwip x WHERE x.author_id = u.id AND x.thread_id IS NOT NULL",
        "favourites_count": "kwips_favourite x WHERE x.user_id = u.id",
        "followers_count": "graph_follow x WHERE x.followee_id = u.id",
        "following_count": "graph_follow x WHERE x.follower_id = u.id",
    }
    for column, counting in counted.items():
        assert one(f"SELECT sum({column}) FROM accounts_user") > 0
        assert not rows(
            f"SELECT username FROM accounts_user u WHERE {column} <> (SELECT count(*) FROM {counting})"
        )
    counted = {
        "comments_count": "SELECT count(*) FROM kwips_kwip c WHERE c.thread_id = k.id",
        "favourites_count": "SELECT count(*) FROM kwips_favourite f WHERE f.kwip_id = k.id",
        "last_active_at": "SELECT coalesce(max(c.created_at), k.created_at) FROM kwips_kwip c "
        "WHERE c.thread_id = k.id",
        "shares_count": "SELECT count(*) FROM kwips_share s "
        "WHERE s.kwip_id = k.id AND s.author_id = k.author_id",
        "version": "SELECT 1 + k.comments_count + k.favourites_count + k.shares_count "
        "+ (k.edited_at IS NOT NULL)::int",
    }
    for column, counting in counted.items():
        assert not rows(f"SELECT id FROM kwips_kwip k WHERE {column} <> ({counting})")
    # And the letter of the house.
    assert one("SELECT count(*) FROM kwips_kwip WHERE thread_id IS NULL") == 1_500 + demo


@pytest.mark.django_db
def test_ids_and_times_agree_in_their_order():
    populate()
    # Timelines have kwips and shares in one order: their ids are of one sequence.
    placed = "(SELECT id, created_at FROM kwips_kwip UNION ALL SELECT id, created_at FROM kwips_share) placed"
    for table, moment in {
        placed: "created_at",
        "kwips_favourite": "created_at",
        "graph_follow": "created_at",
        "accounts_user": "joined_at",
    }.items():
        found = rows(f"SELECT id, {moment} FROM {table} ORDER BY id")
        assert [moment for _, moment in found] == sorted(moment for _, moment in found)
        assert [identity for identity, _ in found] == list(range(1, len(found) + 1))
    assert not rows("SELECT 1 FROM kwips_kwip k JOIN accounts_user u ON u.id = k.author_id "
                    "WHERE k.created_at < u.joined_at")  # fmt: skip
    assert not rows(f"SELECT 1 FROM kwips_kwip WHERE created_at > '{UNTIL}' OR edited_at > '{UNTIL}'")


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [False, True])
def test_tags_and_mentions_are_those_of_the_text(demo):
    populate(demo=demo, people=200, kwips=1_500)
    people = dict(User.objects.values_list("username", "pk"))
    tags, mentions = set(), set()
    for identity, words in Kwip.objects.values_list("pk", "text"):
        tags |= {(name, identity) for name in text.tags(words)}
        mentions |= {(identity, people[name]) for name in text.mentions(words) if name in people}
    names = dict(Tag.objects.values_list("pk", "name"))
    assert tags == {(names[tag], kwip) for tag, kwip in KwipTag.objects.values_list("tag_id", "kwip_id")}
    assert mentions == set(Mention.objects.values_list("kwip_id", "user_id"))
    assert len(tags) > 50
    assert len(mentions) > 20


@pytest.mark.django_db
def test_comments_and_favourites_are_by_people_who_may_see_the_kwip():
    populate(people=100, kwips=2_000)
    assert Kwip.objects.filter(audience__isnull=False, thread__isnull=False).exists()
    assert Favourite.objects.filter(kwip__audience__isnull=False).exists()
    assert not rows("SELECT 1 FROM kwips_kwip c JOIN kwips_kwip k ON k.id = c.thread_id "
                    "WHERE c.audience_id IS DISTINCT FROM k.audience_id")  # fmt: skip
    for viewer, kwip in {
        *Kwip.objects.filter(audience__isnull=False).values_list("author_id", "pk"),
        *Favourite.objects.filter(kwip__audience__isnull=False).values_list("user_id", "kwip_id"),
    }:
        assert Kwip.objects.filter(visibility.VisibleTo(viewer), pk=kwip).exists()


@pytest.mark.django_db
def test_one_in_twenty_is_a_share_of_a_kwip_of_someone_else_that_everyone_may_see():
    populate(people=300, kwips=4_000)
    assert 0.035 < Share.objects.count() / 4_000 < 0.07
    assert not rows("SELECT 1 FROM kwips_share s JOIN kwips_kwip k ON k.id = s.kwip_id "
                    "WHERE k.thread_id IS NOT NULL OR k.audience_id IS NOT NULL OR s.sharer_id = k.author_id "
                    "OR s.id < k.id OR s.created_at < k.created_at")  # fmt: skip
    assert not rows("SELECT 1 FROM kwips_share s JOIN kwips_kwip k USING (id)")


@pytest.mark.django_db
def test_an_edited_kwip_keeps_what_it_said():
    populate(kwips=1_000)
    revisions = Revision.objects.select_related("kwip")
    assert revisions
    for revision in revisions:
        assert revision.text != revision.kwip.text
        assert revision.kwip.edited_at
        assert revision.written_at == revision.kwip.created_at < revision.kwip.edited_at
    assert Kwip.objects.filter(edited_at__isnull=False).count() == len(revisions)


@pytest.mark.django_db
def test_texts_and_names_are_what_the_forms_would_take():
    populate(demo=True, kwips=1_500)
    for words in Kwip.objects.values_list("text", flat=True):
        assert clean(words) == words != ""
        assert not set(words) & set("{}[]|¶↵~")
    for person in User.objects.exclude(username__in=[HOUSE, MODERATOR]):
        username_shape(person.username)
        not_reserved(person.username)
        person.clean_fields()


@pytest.mark.django_db
def test_some_are_dormant_some_are_huge_and_some_read_only_the_dormant():
    populate(people=500, kwips=3_000)
    people = list(User.objects.order_by("pk"))
    dormant = {person.pk for number, person in enumerate(people) if number % 50 == 7}
    quiet_since = one(f"SELECT '{UNTIL}'::timestamptz - interval '328 days'")
    assert not Kwip.objects.filter(author__in=dormant, created_at__gt=quiet_since).exists()
    assert people[builder.CELEBRITY].followers_count > 450
    assert people[builder.READER].following_count == 499
    followed = set(Follow.objects.filter(follower=people[11]).values_list("followee_id", flat=True))
    assert followed
    assert followed <= dormant
    busiest = sorted((person.kwips_count for person in people), reverse=True)
    assert busiest[0] > 10 * busiest[250] > 0


@pytest.mark.django_db
def test_the_demo_account_has_all_there_is_to_try():
    populate(demo=True, people=None, kwips=None, until=None)
    demo = authenticate(None, username="demo", password="happykwipping")
    assert demo == User.objects.get(username="demo", is_staff=False)
    assert EmailAddress.objects.get(user=demo, verified=True, primary=True).email == "demo@kwippy.example"
    assert 30 <= demo.following_count <= 50
    # Those whom one meets first have no twin among them.
    followees = User.objects.filter(pk__in=Follow.objects.filter(follower=demo).values("followee_id"))
    drawn_faces = [face(person.username, person.avatar) for person in followees if not person.picture]
    assert len(set(drawn_faces)) == len(drawn_faces) > 20
    assert min(demo.followers_count, demo.kwips_count, demo.comments_count, demo.favourites_count) > 3
    assert not any(User.objects.exclude(pk=demo.pk)[number].has_usable_password() for number in (0, 100))
    assert User.objects.exclude(username__in=[HOUSE, MODERATOR]).count() == 300
    assert 9_000 < Kwip.objects.count() < 12_000
    assert Bookmark.objects.filter(user=demo).count() > 3
    assert Share.objects.filter(sharer=demo).exists()
    timeline = network(viewer_id=demo.pk, following_count=demo.following_count)
    page = timeline.fetch(Seek(timeline.order, timeline.order.start, backward=False, limit=200))
    assert len({entry.shared_by[0] for entry in page if entry.shared_by} - {"demo"}) > 1
    assert Notice.objects.filter(recipient=demo, kind="share").exists()


@pytest.mark.django_db
def test_the_demo_account_has_messages_one_unread_a_buzz_and_requests():
    populate(demo=True, people=100, kwips=300)
    demo = User.objects.get(username=builder.DEMO)
    talks = list(conversations(demo, {}))
    assert [talk.is_unread for talk in talks] == [True, False]
    assert talks[0].sent_at > talks[1].sent_at - timedelta(hours=1)
    kinds = set(Notice.objects.filter(recipient=demo).values_list("kind", flat=True))
    assert {"message", "buzz", "request"} <= kinds
    private = User.objects.filter(is_private=True)
    assert {row.asked for row in FollowRequest.objects.filter(asker=demo)} == set(private)
    assert FollowRequest.objects.filter(asked=demo).count() == 2
    assert not demo.is_private


@pytest.mark.django_db
def test_a_moderator_of_the_demo_has_three_reports():
    populate(demo=True, people=100, kwips=300)
    moderator = authenticate(None, username=MODERATOR, password="happykwipping")
    assert moderator
    assert role_of(moderator) == Role.MODERATOR
    assert set(Case.objects.filter(closed_at=None).values_list("kind", flat=True)) == {"kwip", "person"}
    assert Report.objects.count() == 3


@pytest.mark.django_db
def test_the_house_of_the_demo_greets_announces_and_invites():
    populate(demo=True, kwips=1_500)
    house, policy = User.objects.get(username=HOUSE), current()
    assert (policy.greeter_id, policy.sign_up) == (house.pk, "open")
    assert policy.announcement
    [letter] = Kwip.objects.filter(author=house, thread=None)
    assert len(letter.text) > LETTER_CHARACTERS
    greetings = Kwip.objects.filter(author=house).exclude(thread=None).select_related("thread")
    assert 0 < len(greetings) == house.comments_count
    for greeting in greetings:
        assert greeting.thread is not None
        assert greeting.created_at == greeting.thread.last_active_at > greeting.thread.created_at
    assert Invitation.objects.filter(inviter__username="demo", taken_by=None).count() == 1
    assert Invitation.objects.filter(inviter__username="demo").exclude(taken_by=None).count() == 1
    assert Application.objects.count() == len(APPLICANTS)
    demo = User.objects.get(username="demo")
    assert [Mute.objects.filter(muter=demo).count(), MutedWord.objects.filter(muter=demo).count()] == [1, 1]
    assert of_the_day().page({}, limit=1)
    assert pinned(viewer_id=None, person_id=demo.pk).page({})
    assert [person.username for person in first_follows(demo.pk)][:1] == [HOUSE]


@pytest.mark.django_db
def test_a_page_of_the_demo_does_not_repeat_itself():
    populate(demo=True, people=300, kwips=2_000)
    people = Kwip.objects.filter(thread=None).exclude(author__username=HOUSE)
    texts = list(people.order_by("-pk").values_list("text", flat=True))
    for start in range(0, len(texts), 20):
        page = [words[:25].lower() for words in texts[start : start + 20]]
        assert len(set(page)) >= 18
    folded = [words for words in texts if fold(words).has_more]
    assert len(folded) > 20
    assert any("http" in words for words in Kwip.objects.values_list("text", flat=True))
    for script in ("अ-ह", "ا-ي", "ぁ-ん"):
        assert Kwip.objects.filter(text__regex=f"[{script}]").exists()


@pytest.mark.django_db
def test_indexes_and_constraints_come_back_as_they_were():
    def schema() -> list[Any]:
        return rows(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
            "UNION ALL SELECT conname, conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint "
            "ORDER BY 1, 2"
        )

    before = schema()
    populate()
    assert schema() == before


@pytest.mark.django_db
def test_the_site_goes_on_behind_the_last_rows(publish):
    populate()
    newest = Kwip.objects.order_by("-pk").values_list("pk", flat=True)[0]
    ann = User.objects.create_user("ann_is_new", "ann@example.org", "a long password")
    kwip = publish(ann, "hello #tea")
    assert kwip.pk == newest + 1
    actions.favourite(kwip=kwip, user=ann)
    Follow.objects.create(follower=ann, followee_id=1)


@pytest.mark.django_db
def test_people_who_are_there_are_left_alone():
    User.objects.create_user("ann", "ann@example.org", "a long password")
    with pytest.raises(CommandError, match="has people already"):
        populate()
    assert "no demo community was added" in populate(demo=True, verbosity=1)
    assert populate(demo=True) == ""
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_forced_it_settles_beside_those_who_are_there(publish):
    populate(people=60, kwips=100)
    names = set(User.objects.values_list("username", flat=True))
    ann = User.objects.create_user("ann_is_new", "ann@example.org", "a long password")
    kwip = publish(ann, "still here")
    before = User.objects.values().get(pk=ann.pk), Kwip.objects.values().get(pk=kwip.pk)
    populate(people=60, kwips=100, force=True)
    assert (User.objects.values().get(pk=ann.pk), Kwip.objects.values().get(pk=kwip.pk)) == before
    assert User.objects.exclude(username__in=names).count() == 61
    assert Kwip.objects.filter(thread=None, pk__gt=kwip.pk).count() == 100


@pytest.mark.django_db
def test_interrupted_it_leaves_nothing(monkeypatch):
    lived = Simulation.kwips

    def interrupted(self: Simulation, number: int) -> Iterator[None]:
        for done, _ in enumerate(lived(self, number)):
            yield
            if done == 300:
                for table in self.home.tables:
                    table.copy()
                assert Kwip.objects.exists()
                raise KeyboardInterrupt

    monkeypatch.setattr(Simulation, "kwips", interrupted)
    with pytest.raises(CommandError, match="nothing was stored"):
        populate()
    assert not User.objects.exists()
    assert not Kwip.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("people", "kwips"), [(1, 0), (1, 20), (2, 20), (9, 0)])
def test_it_makes_the_smallest_communities(people, kwips):
    populate(people=people, kwips=kwips)
    assert User.objects.count() == people
    assert Kwip.objects.filter(thread=None).count() == kwips


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options",
    [
        {"people": None},
        {"kwips": None},
        {"people": 0},
        {"kwips": -1},
        {"until": "soon"},
        {"until": "2026-13-01"},
    ],
)
def test_what_makes_no_sense_is_refused(options):
    with pytest.raises(CommandError):
        populate(**options)


@pytest.mark.django_db(transaction=True)
def test_afterwards_pages_are_all_visible_and_statements_limited_again():
    timeout = one("SHOW statement_timeout")
    assert timeout != "0"
    populate()
    assert one("SHOW statement_timeout") == timeout
    # Rows that other tests rolled back may occupy a few pages.
    pages, visible, counted = rows(
        "SELECT relpages, relallvisible, reltuples FROM pg_class WHERE relname = 'kwips_kwip'"
    )[0]
    assert visible > pages * 0.9
    assert counted == Kwip.objects.count()


@pytest.mark.django_db(transaction=True)
def test_it_says_so_where_the_site_is_at_work():
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        [timeout] = cursor.fetchone()
        assert timeout != "0"
        cursor.execute("SET lock_timeout = '100ms'")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("SELECT 1 FROM kwips_kwip")
            with pytest.raises(CommandError, match="stop it first"):
                populate()
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = %s", [timeout])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_lines_elsewhere_and_nothing_when_quiet(monkeypatch):
    shown = {}
    for name, progress in {
        "terminal": Progress(shown=True, stream=(terminal := Terminal())),
        "file": Progress(shown=True, stream=(file := io.StringIO())),
        "quiet": Progress(shown=False, stream=(quiet := Terminal())),
    }.items():
        assert list(progress.over(range(2_000), 2_000, "Counting")) == list(range(2_000))
        shown[name] = {"terminal": terminal, "file": file, "quiet": quiet}[name].getvalue()
    assert "█" in shown["terminal"]
    assert shown["file"] == "Counting …\n"
    assert shown["quiet"] == ""


def test_a_scene_that_makes_no_sense_is_named(tmp_path):
    (tmp_path / "tea.txt").write_text("topic: tea\n\n  > an answer to nothing\n", "utf-8")
    with pytest.raises(ValueError, match=r"tea\.txt, line 3"):
        grammar.read(tmp_path)
    (tmp_path / "tea.txt").write_text("topic: tea\n\nA cup of {leaf}.\n", "utf-8")
    with pytest.raises(ValueError, match="leaf"):
        grammar.read(tmp_path)
