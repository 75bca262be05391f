"""A draft keeps its pictures as long as it has them; they are in one kwip, or nowhere."""

import datetime
import secrets
import uuid

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.drafts import actions, fields, pictures, publishing
from apps.drafts.models import Draft
from apps.kwips.models import Kwip
from apps.kwips.picture_models import KwipPicture
from apps.pictures.models import Picture

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime.timedelta(days=1)


def waiting(owner: User) -> str:
    name = secrets.token_hex(16)
    until = timezone.now() + DAY
    Picture.objects.create(
        name=name, owner=owner, width=6, height=4, color="#bbd26c", bytes=1, waits_until=until
    )
    return name


def composed(text: str, *names: str, alt: str = "") -> fields.Fields:
    sent = QueryDict(mutable=True)
    sent["text"] = text
    sent.setlist("pictures", list(names))
    for name in names:
        sent[f"alt-{name}"] = alt
    return fields.of(sent)


def days_left(name: str) -> int:
    until = Picture.objects.get(name=name).waits_until
    assert until is not None
    return round((until - timezone.now()) / DAY)


def test_a_draft_keeps_its_pictures_and_lets_go_of_those_that_it_has_no_more(ann: User) -> None:
    one, two = waiting(ann), waiting(ann)
    key = uuid.uuid4()
    draft = actions.save(owner=ann, fields=composed("tea", one, two), form_key=key).draft
    assert days_left(one) == days_left(two) == pictures.KEPT.days
    actions.save(owner=ann, fields=composed("tea", two), form_key=key, version=draft.version)
    assert (days_left(one), days_left(two)) == (1, pictures.KEPT.days)
    actions.delete(owner=ann, draft_id=draft.pk)
    assert days_left(two) == 1


def test_a_save_reads_no_words_of_other_drafts_and_nothing_of_them_while_it_has_its_pictures(
    ann: User,
) -> None:
    one, two, key = waiting(ann), waiting(ann), uuid.uuid4()
    actions.save(owner=ann, fields=composed("other words", one), form_key=uuid.uuid4())
    draft = actions.save(owner=ann, fields=composed("tea", one, two), form_key=key).draft
    of_others: list[list[str]] = []
    for kept in ([one, two], [two]):
        with CaptureQueriesContext(connection) as queries:
            fields_now = composed("tea, and more", *kept)
            draft = actions.save(owner=ann, fields=fields_now, form_key=key, version=draft.version).draft
        of_others.append([query["sql"] for query in queries if "? 'pictures'" in query["sql"]])
    [unchanged, [changed]] = of_others
    assert unchanged == []
    assert "\"fields\" -> 'pictures'" in changed.partition("FROM")[0]
    assert days_left(one) == pictures.KEPT.days, "the other draft has it"


def test_a_picture_that_another_draft_has_stays(ann: User) -> None:
    name = waiting(ann)
    drafts = [
        actions.save(owner=ann, fields=composed(text, name), form_key=uuid.uuid4()).draft for text in "ab"
    ]
    actions.delete(owner=ann, draft_id=drafts[0].pk)
    assert days_left(name) == pictures.KEPT.days


def test_a_scheduled_kwip_is_published_with_its_pictures_and_their_texts(ann: User) -> None:
    names = [waiting(ann), waiting(ann)]
    draft = actions.save(owner=ann, fields=composed("tea", *names, alt="a cup"), form_key=uuid.uuid4()).draft
    at = timezone.now() + datetime.timedelta(hours=1)
    actions.schedule(owner=ann, draft_id=draft.pk, publish_at=at)
    kwip_id = publishing.publish_due.call(draft.pk, at.isoformat())
    rows = KwipPicture.objects.filter(kwip=kwip_id).select_related("picture")
    assert [(row.picture.name, row.picture.alt) for row in rows] == [(name, "a cup") for name in names]
    assert not Draft.objects.exists()


def test_a_scheduled_kwip_whose_picture_is_gone_is_a_draft_again(ann: User) -> None:
    name = waiting(ann)
    draft = actions.save(owner=ann, fields=composed("tea", name), form_key=uuid.uuid4()).draft
    at = timezone.now() + datetime.timedelta(hours=1)
    actions.schedule(owner=ann, draft_id=draft.pk, publish_at=at)
    Picture.objects.filter(name=name).delete()
    assert publishing.publish_due.call(draft.pk, at.isoformat()) is None
    draft.refresh_from_db()
    assert draft.publish_at is None
    assert "picture" in draft.failed
    assert not Kwip.objects.exists()


def test_pictures_alone_are_worth_keeping(ann: User) -> None:
    name = waiting(ann)
    draft = actions.save(owner=ann, fields=composed("", name), form_key=uuid.uuid4()).draft
    assert fields.form_of(draft).picture_names == [name]
