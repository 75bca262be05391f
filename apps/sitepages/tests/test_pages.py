"""The rules, the code of conduct and the privacy page: readable, linked, edited by an operator."""

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from apps.accounts import leaving
from apps.accounts.models import User
from apps.accounts.validators import not_reserved
from apps.sitepages.models import TEXT_LIMIT, SitePage, Slug
from apps.sitepages.queries import TEXTS_WRITTEN, text_of_release
from apps.sitepages.rendering import page_html

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops", "ops@example.org"))
    return client


def shown(client: Client, slug: str) -> str:
    response = client.get(f"/{slug}/")
    assert response.status_code == 200
    return response.content.decode()


def edit(operator: Client, slug: str, text: str) -> None:
    response = operator.post(f"/admin/sitepages/sitepage/{slug}/change/", {"text": text})
    assert response.status_code == 302, response.context["errors"]


@pytest.mark.parametrize("slug", Slug.values)
def test_a_page_begins_with_the_text_of_the_release(client: Client, slug: str) -> None:
    page = shown(client, slug)
    assert page.count("<h2") >= 4
    assert page.count("<li>") >= 4
    assert "{{" not in page
    assert settings.SITE_NAME in page
    assert f"last changed: {TEXTS_WRITTEN:%-d %B %Y}".lower() in page
    assert len(text_of_release(slug)) <= TEXT_LIMIT


def test_the_privacy_page_tells_the_periods_of_this_site(client: Client, settings) -> None:
    settings.NOTICE_DAYS = 41
    settings.SESSION_COOKIE_AGE = 86_400 * 17
    settings.SESSION_IDLE_DAYS = 3
    page = shown(client, "privacy")
    assert "notices: 41 days" in page
    assert "forgotten after 3 days, and each of them 17 days after you signed in" in page
    assert f"for {leaving.DAYS} days you can come back" in page


def test_the_privacy_page_names_what_programs_and_drafts_leave_with_us(client: Client) -> None:
    page = shown(client, "privacy")
    assert "for each token that you make for a program" in page
    assert "drafts, with their pictures" in page
    assert "is not sent to us" not in page, "what is typed becomes a draft while one writes"


def test_text_becomes_paragraphs_headings_and_lists_and_no_html_passes() -> None:
    text = "one <b>\ntwo\n\n# head <i>\n- first https://example.org/\n- second\nthree\n\n\n<script>x</script>"
    html = page_html(text)
    assert html == (
        '<p dir="auto">one &lt;b&gt;<br>two</p>'
        '<h2 dir="auto">head &lt;i&gt;</h2>'
        '<ul><li><p dir="auto">first <a href="https://example.org/" rel="nofollow ugc noopener noreferrer"'
        ' dir="ltr">https://example.org/</a></p></li><li><p dir="auto">second</p></li></ul>'
        '<p dir="auto">three</p><p dir="auto">&lt;script&gt;x&lt;/script&gt;</p>'
    )


def test_an_operator_edits_a_page_and_gets_the_text_of_the_release_back(operator: Client) -> None:
    listed = operator.get("/admin/sitepages/sitepage/").content.decode()
    assert all(f"/admin/sitepages/sitepage/{slug}/change/" in listed for slug in Slug.values)
    form = operator.get("/admin/sitepages/sitepage/rules/change/").content.decode()
    assert "this is a small place" in form, "it begins with the text that is shown"
    edit(operator, "rules", "# ours\n\nbe <kind>")
    page = shown(Client(), "rules")
    assert '<h2 dir="auto">ours</h2><p dir="auto">be &lt;kind&gt;</p>' in page
    assert "this is a small place" not in page
    assert f"last changed: {timezone.now():%-d %B %Y}".lower() in page
    edit(operator, "rules", "")
    assert "this is a small place" in shown(Client(), "rules")


def test_saving_the_text_of_the_release_stores_none_so_that_the_next_release_shows_its_own(
    operator: Client,
) -> None:
    operator.get("/admin/sitepages/sitepage/")
    edit(operator, "conduct", text_of_release("conduct").replace("\n", "\r\n") + "\r\n")
    assert SitePage.objects.get(pk="conduct").text == ""


def test_a_text_has_a_limit_and_pages_are_neither_added_nor_deleted(operator: Client) -> None:
    assert operator.get("/admin/sitepages/sitepage/add/").status_code == 403
    operator.get("/admin/sitepages/sitepage/")
    long = {"text": "x" * (TEXT_LIMIT + 1)}
    response = operator.post("/admin/sitepages/sitepage/rules/change/", long)
    assert response.context["errors"]
    assert SitePage.objects.get(pk="rules").text == ""
    assert operator.post("/admin/sitepages/sitepage/rules/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("address", ["/about/", "/accounts/signup/", "/accounts/login/", "/everyone/"])
def test_the_pages_are_linked_where_people_look_for_them(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    for slug in Slug.values:
        assert page.count(f'href="/{slug}/"') == (2 if address in ("/about/", "/accounts/signup/") else 1)


@pytest.mark.parametrize("slug", Slug.values)
def test_an_address_of_a_page_is_no_user_name(slug: str) -> None:
    with pytest.raises(ValidationError):
        not_reserved(slug)
