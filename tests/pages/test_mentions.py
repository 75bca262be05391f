"""Completion of mentions in a browser: keyboard, pointer, screen reader; and without the script."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.faces import derived, face, with_mood
from apps.accounts.models import User
from apps.graph.models import Follow
from apps.kwips import actions
from apps.kwips.models import Mention
from tests.pages.test_pages import sign_in
from tests.support.fixtures import ann

__all__ = ["ann"]

pytestmark = pytest.mark.django_db(transaction=True)

type Open = Callable[..., Page]


@pytest.fixture
def page(live_server: LiveServer, open_page: Open, ann: User) -> Page:
    """The form for a kwip of ann, who follows tess."""
    for name, shown in (("tea_1", "Earl"), ("tea_2", ""), ("tess", "Tess O'Tea"), ("tom", "")):
        User.objects.create_user(name, f"{name}@example.org", display_name=shown)
    Follow.objects.create(follower=ann, followee=User.objects.get(username="tess"))
    page = open_page(width=320)
    sign_in(page, ann, live_server.url)
    page.goto(f"{live_server.url}/kwip/")
    return page


def area(page: Page) -> Locator:
    return page.locator("main [name=text]")


def options(page: Page) -> Locator:
    return page.get_by_role("option")


def test_arrows_choose_enter_takes_and_it_is_a_mention(page: Page, axe: Callable[[Page], None]) -> None:
    area(page).press_sequentially("hello @te")
    expect(options(page)).to_have_count(3)
    expect(options(page).first).to_contain_text("@tess")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    chosen = options(page).first.get_attribute("id")
    expect(area(page)).to_have_attribute("aria-activedescendant", str(chosen))
    listed = page.get_by_role("listbox", name="people whom you may mean").get_attribute("id")
    expect(area(page)).to_have_attribute("aria-controls", str(listed))
    expect(page.locator(".field [role=status]")).to_contain_text("3 found")
    axe(page)
    area(page).press("ArrowDown")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    area(page).press("ArrowUp")
    area(page).press("ArrowUp")
    expect(options(page).nth(2)).to_have_attribute("aria-selected", "true")
    area(page).press("ArrowDown")
    area(page).press("Enter")
    expect(area(page)).to_have_value("hello @tess ")
    expect(page.get_by_role("listbox")).to_have_count(0)
    assert area(page).get_attribute("aria-activedescendant") is None
    area(page).press_sequentially("and @TEA_")
    expect(options(page)).to_have_count(2)
    area(page).press("ArrowDown")
    area(page).press("Tab")
    expect(area(page)).to_have_value("hello @tess and @tea_2 ")
    page.get_by_role("button", name="kwip it").click()
    expect(page.locator("article").first).to_contain_text("hello")
    assert set(Mention.objects.values_list("user__username", flat=True)) == {"tess", "tea_2"}


def test_escape_closes_enter_is_a_line_and_a_whole_name_needs_no_choice(page: Page) -> None:
    area(page).press_sequentially("@te")
    expect(options(page)).to_have_count(3)
    area(page).press("Escape")
    expect(options(page)).to_have_count(0)
    area(page).press("Enter")
    expect(area(page)).to_have_value("@te\n")
    area(page).fill("")
    area(page).press_sequentially("@tea_1")
    expect(options(page)).to_have_count(1)
    area(page).press("Enter")
    expect(area(page)).to_have_value("@tea_1\n")
    expect(options(page)).to_have_count(0)


def test_a_click_takes_and_the_caret_stays_behind_the_name(page: Page) -> None:
    area(page).fill("with milk")
    area(page).press("Home")
    area(page).press_sequentially("@to")
    expect(options(page)).to_have_count(1)
    options(page).click()
    expect(area(page)).to_have_value("@tom with milk")
    expect(area(page)).to_be_focused()
    area(page).press_sequentially("has tea ")
    expect(area(page)).to_have_value("@tom has tea with milk")
    area(page).press("Control+z")
    expect(area(page)).not_to_have_value("@tom has tea with milk")


def test_nothing_else_is_completed(page: Page) -> None:
    for text in ("a mail to ann@te", "http://a.co/@te", "@zzz", "#te", "te"):
        area(page).fill("")
        area(page).press_sequentially(text)
        page.wait_for_timeout(400)
        assert options(page).count() == 0, text
    # The same page does complete what is a mention.
    area(page).fill("")
    area(page).press_sequentially("@te")
    expect(options(page)).to_have_count(3)


def test_those_of_the_conversation_come_first_below_it(page: Page, live_server: LiveServer) -> None:
    author = User.objects.get(username="tea_2")
    kwip = actions.publish(author=author, text="tea", form_key=uuid.uuid4()).kwip
    page.goto(f"{live_server.url}/tea_2/kwip/{kwip.pk}/")
    area(page).press_sequentially("@")
    expect(options(page)).to_have_count(2)
    expect(options(page).first).to_contain_text("@tea_2")
    area(page).press("Enter")
    expect(area(page)).to_have_value("@tea_2 ")


def test_a_site_that_does_not_answer_leaves_the_text_alone(page: Page) -> None:
    page.context.set_offline(True)
    area(page).press_sequentially("@te hello")
    page.wait_for_timeout(400)
    expect(area(page)).to_have_value("@te hello")
    expect(options(page)).to_have_count(0)


def test_without_javascript_the_text_counts(
    live_server: LiveServer, open_page: Open, page: Page, ann: User
) -> None:
    plain = open_page(javascript=False)
    sign_in(plain, ann, live_server.url)
    plain.goto(f"{live_server.url}/kwip/")
    area(plain).fill("hello @tom")
    plain.get_by_role("button", name="kwip it").click()
    expect(plain.locator("article").first).to_contain_text("hello")
    assert Mention.objects.get().user.username == "tom"


def test_the_face_beside_the_text_makes_the_first_smiley_that_is_typed(page: Page, ann: User) -> None:
    """By the script's own rules; `apps/accounts/tests/test_faces.py` holds these to the rules of the site."""

    def parts() -> list[str]:
        found: list[str] = page.locator("main svg.avatar > use").evaluate_all(
            "uses => uses.map(use => use.getAttribute('href').slice(1))"
        )
        return found

    def shows(expected: list[str]) -> bool:
        """The script is loaded with the first letters that one types."""
        for _ in range(100):
            if parts() == expected:
                return True
            page.wait_for_timeout(50)
        return False

    own, seen = derived(ann.username), set()
    assert parts() == own.parts
    for text in (
        "tea",
        "yes :D",
        "no :'(",
        ";P and :D",
        "B-)",
        "(: hm",
        "`:D` code",
        "https://a.example/ :o",
    ):
        area(page).fill(text)
        shown = face(ann.username, with_mood(ann.username, "", text))
        assert shows(shown.parts), text
        seen.add(shown)
    assert len(seen) == 6, "the own one and five others"
    area(page).fill("")
    assert shows(own.parts)
