"""A long kwip on its own page, in a list and in a feed."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.kwips import folding
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db(transaction=True)

type Publish = Callable[..., Kwip]
WORDS = "the ferry left at six. " * 100


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_beyond_nine_hundred_characters_a_kwip_is_a_letter_on_its_own_page(
    client: Client, ann: User, publish: Publish
) -> None:
    short = publish(ann, "x" * folding.LETTER_CHARACTERS)
    for kwip, is_letter in ((short, False), (publish(ann, "x" * 901), True), (publish(ann, WORDS), True)):
        shown = page(client, f"/ann/kwip/{kwip.pk}/")
        assert ("columns letter" in shown) is is_letter
        assert ("kwip-whole letter" in shown) is is_letter
        assert ("a letter, " in shown) is is_letter
        assert shown.count("<h1") == 1
    assert "a letter, 3 minutes" in shown


def test_a_letters_title_is_its_heading_and_stays_in_the_text_of_feeds(
    client: Client, ann: User, publish: Publish
) -> None:
    kwip = publish(ann, f"the #ferry <b>\n\n{WORDS}")
    shown = page(client, f"/ann/kwip/{kwip.pk}/")
    assert shown.count("<h1") == 1
    heading = shown[shown.index("<h1") : shown.index("</h1>")]
    assert "&lt;b&gt;" in heading
    assert 'href="/tag/ferry/"' in heading
    assert '<p dir="auto">the <a' not in shown
    feed = page(client, "/ann/feed.atom")
    assert '&lt;p dir="auto"&gt;the &lt;a' in feed or "&lt;p dir=&quot;auto&quot;&gt;the &lt;a" in feed


def test_a_comment_is_no_letter(client: Client, ann: User, publish: Publish, comment: Publish) -> None:
    kwip = publish(ann)
    said = comment(ann, kwip, WORDS * 3)
    shown = page(client, f"/ann/kwip/{said.pk}/whole/")
    assert "ferry" in shown
    assert "a letter" not in shown
    assert "kwip-whole letter" not in shown


def test_a_folded_kwip_says_the_minutes_that_are_left_and_what_its_link_opens(
    client: Client, ann: User, publish: Publish
) -> None:
    kwip = publish(ann, WORDS)
    shown = page(client, "/ann/")
    assert "… more, 3 min" in shown
    assert f'id="kwip-{kwip.pk}-text"' in shown
    assert f'data-fold="/ann/kwip/{kwip.pk}/part/"' in shown
