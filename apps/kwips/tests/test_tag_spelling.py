"""The migration of tags to the canonical spelling."""

import importlib
import uuid

import pytest
from django.apps import apps
from django.db import connection

from apps.kwips import actions
from apps.kwips.models import Kwip, KwipTag, Tag

pytestmark = pytest.mark.django_db
migration = importlib.import_module("apps.kwips.migrations.0002_one_spelling_of_tags")


def filed(ann, name: str) -> Kwip:
    """A kwip with a tag as the previous release stored it."""
    kwip = Kwip.objects.create(author=ann, text=f"about #{name}", form_key=uuid.uuid4())
    KwipTag.objects.create(kwip=kwip, tag=Tag.objects.get_or_create(name=name)[0])
    return kwip


def test_kwips_of_older_spellings_are_on_the_page_of_the_one(client, ann, publish) -> None:
    old, both, new = filed(ann, "ｓｙｎｔｈ"), filed(ann, "ｓｙｎｔｈ"), publish(ann, "about #synth")
    KwipTag.objects.create(kwip=both, tag=Tag.objects.get(name="synth"))
    single, katakana, long = filed(ann, "a"), filed(ann, "ﾃｽﾄ"), filed(ann, "ﷺ" * 50)
    for _ in range(2):  # it may be repeated
        with connection.schema_editor() as editor:
            migration.file_under_the_one_spelling(apps, editor)
    answer = client.get("/tag/ｓｙｎｔｈ/", follow=True)
    assert answer.redirect_chain == [("/tag/synth/", 301)]
    assert client.get("/tag/ｓｙｎｔｈ/feed.atom", follow=True).redirect_chain == [
        ("/tag/synth/feed.atom", 301)
    ]
    page = answer.content.decode()
    assert all(f'id="kwip-{kwip.pk}"' in page for kwip in (old, both, new))
    assert f'id="kwip-{single.pk}"' in client.get("/tag/a/").content.decode()
    assert f'id="kwip-{katakana.pk}"' in client.get("/tag/テスト/").content.decode()
    assert KwipTag.objects.filter(kwip=long).count() == 1
    assert Tag.objects.filter(name="ｓｙｎｔｈ").exists(), "the release before this one may still serve"


def test_an_edit_leaves_the_one_spelling(ann) -> None:
    kwip = filed(ann, "ｓｙｎｔｈ")
    actions.edit(kwip=kwip, text="still about #ｓｙｎｔｈ")
    assert list(KwipTag.objects.filter(kwip=kwip).values_list("tag__name", flat=True)) == ["synth"]


def test_the_history_links_those_that_a_kwip_named_before(client, ann, bob, publish) -> None:
    kwip = publish(ann, "with @bob and @no_one, in English I would say")
    actions.edit(kwip=kwip, text="with nobody")
    page = client.get(f"/ann/kwip/{kwip.pk}/history/").content.decode()
    assert '<a href="/bob/" class="mention" dir="ltr">@bob</a> and <bdi dir="ltr">@no_one</bdi>' in page
    assert 'lang="en">' in page.partition('class="revisions"')[2]


def test_a_quote_of_a_long_kwip_ends_in_an_ellipsis(client, ann, publish, comment) -> None:
    thread = publish(ann, " ".join(["あ"] * 10 + [" " * 700] + ["end"]))
    comment(ann, thread)
    assert "あ…</a>" in client.get("/ann/comments/").content.decode()
