"""The admin of people and kwips."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from apps.accounts.actions import change_header_picture, change_picture
from apps.accounts.models import User
from apps.commandqueue.core.worker import Worker
from apps.kwips import admin_search, tasks
from apps.kwips.admin_search import Sought
from apps.kwips.models import Kwip, Tombstone
from apps.kwips.tests.test_actions import counters_are_exact
from apps.pictures.models import Shape
from tests.support.pictures import waiting

pytestmark = pytest.mark.django_db

PEOPLE, KWIPS = "/admin/accounts/user/", "/admin/kwips/kwip/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("opera", "opera@example.org", "a long password"))
    return client


def clerk(*permissions: str) -> Client:
    """A member of the staff with only these permissions."""
    user = User.objects.create_user("clerk", "clerk@example.org", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, path: str, **query: str) -> set[str]:
    """The list: user names, or texts of kwips."""
    answer = client.get(path, query)
    assert answer.status_code == 200
    return {getattr(row, "username", "") or row.text for row in answer.context["cl"].result_list}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ann", {"ann"}),
        ("@Ann", {"ann"}),
        ("/ann/", {"ann"}),
        ("ann@example.org", {"ann"}),
        ("Ann of the Hill", {"hannah"}),
        ("ann*", {"ann", "anna", "hannah"}),  # the last by her display name
        ("han*", {"hannah"}),
        ("annah", set()),
        ("%", set()),
        ("\0", {"ann", "anna", "hannah", "opera"}),
    ],
)
def test_people_are_found_exactly_or_by_how_they_begin(
    operator: Client, ann: User, query: str, found: set[str]
) -> None:
    User.objects.create_user("anna", "second@example.org")
    User.objects.create_user("hannah", "third@example.org", display_name="Ann of the Hill")
    assert listed(operator, PEOPLE, q=query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("pills.example", {"buy https://pills.example/x"}),
        ("PILLS buy", {"buy https://pills.example/x"}),
        ("@ann", {"buy https://pills.example/x", "ann's tea"}),
        ("@ann tea", {"ann's tea"}),
        ("@an*", {"buy https://pills.example/x", "ann's tea"}),
        ("ann", {"ann's tea", "of hannah"}),
        ("@hannah", set()),
        ("100%", set()),
        ("before:1", set()),
        ("\0", {"buy https://pills.example/x", "ann's tea", "of hannah"}),
    ],
)
def test_kwips_are_found_by_words_and_author(
    operator: Client, ann: User, bob: User, publish, query: str, found: set[str]
) -> None:
    publish(ann, "buy https://pills.example/x")
    publish(ann, "ann's tea")
    publish(bob, "of hannah")
    assert listed(operator, KWIPS, q=query) == found


@pytest.mark.parametrize(
    "link",
    ["{pk}", "#{pk}", "/bob/kwip/{pk}/", "https://kwippy.example/bob/kwip/{pk}/?after=x",
     "/ann/kwip/1/#kwip-{pk}", "/ann/kwip/1/?after=b3#kwip-{pk}"],
)  # fmt: skip
def test_a_kwip_is_found_by_its_link(operator: Client, ann: User, bob: User, publish, link: str) -> None:
    publish(ann)
    assert listed(operator, KWIPS, q=link.format(pk=publish(bob, "this one").pk)) == {"this one"}


def test_words_are_looked_for_in_a_bounded_number_of_kwips_and_the_page_says_how_to_go_on(
    operator: Client, ann: User, publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_search, "WINDOW", 2)
    old, _, newer, newest = (publish(ann, f"tea {number}") for number in range(4))
    assert listed(operator, KWIPS, q="tea") == {newer.text, newest.text}
    shown = operator.get(KWIPS, {"q": "tea"}).content.decode()
    assert f"before:{newer.pk}" in shown
    assert old.text in listed(operator, KWIPS, q=f"tea before:{newer.pk}")


def test_a_search_without_a_match_says_what_was_looked_for(operator: Client, ann: User) -> None:
    assert "Looked for: the words “nothing”; the author ann." in (
        operator.get(KWIPS, {"q": "@ann nothing"}).content.decode()
    )
    assert "“nemo” was looked for as a user name" in operator.get(PEOPLE, {"q": "nemo"}).content.decode()


def test_the_list_says_who_sees_a_kwip_and_filters_by_it_and_by_date(
    operator: Client, ann: User, publish
) -> None:
    publish(ann, "for all")
    between = publish(ann, "between us", followers_only=True)
    assert listed(operator, KWIPS, audience="followers") == {"between us"}
    assert listed(operator, KWIPS, audience="everyone") == {"for all"}
    assert listed(operator, KWIPS, days="7") == {"for all", "between us"}
    Kwip.objects.filter(text="for all").update(created_at="2020-01-01T00:00:00Z")
    assert listed(operator, KWIPS, days="7") == {"between us"}
    shown = operator.get(KWIPS).content.decode()
    assert "followers only" in shown
    assert f'href="/ann/kwip/{between.pk}/"' in shown
    assert "times are UTC" in shown


@pytest.mark.parametrize("whole", [False, True])
def test_deleting_asks_with_words_and_takes_a_whole_search_result(
    operator: Client, ann: User, bob: User, publish, whole: bool
) -> None:
    """More rows than a form may have fields, without those written after the confirmation page."""
    remaining = publish(bob, "of bob")
    Kwip.objects.bulk_create(Kwip(author=ann, text=f"buy pills #{number}") for number in range(1_150))
    User.objects.filter(pk=ann.pk).update(kwips_count=1_150)
    page = operator.get(KWIPS, {"q": "@ann"}).context["cl"].result_list
    ticked = {
        "action": "delete_selected",
        "select_across": "1" if whole else "0",
        "index": "0",
        "_selected_action": [kwip.pk for kwip in page],
    }
    page = operator.post(f"{KWIPS}?q=@ann", ticked)
    assert page.status_code == 200
    shown = page.content.decode()
    assert "ann: buy pills #1149" in shown
    assert "KwipTag" not in shown
    form = re.findall(r'type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', shown)
    assert len(form) < 200
    later = publish(ann, "written meanwhile")
    answers = {name: [value for key, value in form if key == name] for name, _ in form}
    assert operator.post(f"{KWIPS}?q=@ann", answers, follow=True).status_code == 200
    if whole:
        assert tasks.removals() == 2
        assert "removals are under way" in operator.get(KWIPS).content.decode()
        for command in tasks.Command.objects.filter(task=tasks.remove.module_path).order_by("pk"):
            assert command.arguments is not None
            tasks.remove.call(*command.arguments["args"])
    left = {remaining.text, later.text} | (set() if whole else {f"buy pills #{n}" for n in range(1_050)})
    assert set(Kwip.objects.values_list("text", flat=True)) == left
    assert Tombstone.objects.count() == (1_150 if whole else 100)
    counters_are_exact()
    assert LogEntry.objects.filter(user__username="opera").exists()


def test_one_kwip_is_deleted_after_its_words_were_shown(
    operator: Client, ann: User, bob: User, publish, comment
) -> None:
    kwip = publish(ann, "#tea for two")
    comment(bob, kwip)
    page = operator.get(f"{KWIPS}{kwip.pk}/delete/").content.decode()
    assert "ann: #tea for two" in page
    assert "KwipTag" not in page
    operator.post(f"{KWIPS}{kwip.pk}/delete/", {"post": "yes"})
    assert not Kwip.objects.exists()
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_a_spammer_is_switched_off_and_what_they_wrote_removed_by_one_action(
    operator: Client, ann: User, bob: User, publish, comment
) -> None:
    kwip = publish(bob)
    comment(ann, kwip, "buy pills")
    publish(ann, "buy pills")
    change_picture(user=ann, picture=waiting(ann))
    change_header_picture(user=ann, picture=waiting(ann, Shape.WIDE))
    form = {"action": "switch_off_and_remove", "_selected_action": [ann.pk]}
    page = operator.post(PEOPLE, form).content.decode()
    assert "ann: 1 kwips, 1 comments" in page
    ann.refresh_from_db()
    assert ann.is_active, "nothing happens before it is confirmed"
    operator.post(PEOPLE, form | {"post": "yes"})
    ann.refresh_from_db()
    assert not ann.is_active
    assert "being removed" in operator.get(f"{PEOPLE}{ann.pk}/change/").content.decode()
    Worker(once=True).run()
    assert list(Kwip.objects.all()) == [kwip]
    ann.refresh_from_db()
    assert (ann.picture, ann.header_picture) == ("", "")
    counters_are_exact()
    shown = operator.get(f"{PEOPLE}{ann.pk}/change/").content.decode()
    assert "being removed" not in shown
    assert "?q=%40ann" in shown
    history = operator.get(f"{PEOPLE}{ann.pk}/history/").content.decode()
    for said in ("Switched off.", "Began to remove", "Removed what they wrote: 2 kwips and comments."):
        assert said in history


@pytest.mark.parametrize(
    ("permissions", "people", "kwips"),
    [
        ((), None, None),
        (("view_user",), set(), None),
        (("change_user",), {"switch_off", "switch_on"}, None),
        (
            ("view_user", "view_kwip", "delete_kwip"),
            {"remove_written"},
            {"make_kwip_of_the_day", "delete_selected"},
        ),
        (
            ("change_user", "view_kwip", "delete_kwip"),
            {"switch_off", "switch_on", "remove_written", "switch_off_and_remove"},
            {"make_kwip_of_the_day", "delete_selected"},
        ),
        (("view_kwip",), None, set()),
    ],
)
def test_each_action_is_for_those_who_have_its_permission(
    ann: User, publish, permissions: tuple[str, ...], people: set[str] | None, kwips: set[str] | None
) -> None:
    kwip = publish(ann)
    client = clerk(*permissions)
    for path, row, allowed in ((PEOPLE, ann.pk, people), (KWIPS, kwip.pk, kwips)):
        answer = client.get(path)
        assert answer.status_code == (200 if allowed is not None else 403)
        for action in ("switch_off", "remove_written", "switch_off_and_remove", "delete_selected"):
            if action not in (allowed or set()):
                client.post(path, {"action": action, "_selected_action": [row], "post": "yes"})
        if allowed is not None:
            form = answer.context["action_form"]
            offered = {name for name, _ in form.fields["action"].choices if name} if form else set()
            assert offered == allowed
    ann.refresh_from_db()
    assert ann.is_active
    assert Kwip.objects.count() == 1
    assert tasks.removals() == 0


def test_operators_switch_off_neither_themselves_nor_superusers(ann: User) -> None:
    chief = User.objects.create_superuser("chief", "chief@example.org", "-")
    client = clerk("change_user")
    rows = [User.objects.get(username="clerk").pk, chief.pk, ann.pk]
    client.post(PEOPLE, {"action": "switch_off", "_selected_action": rows})
    assert set(User.objects.filter(is_active=False)) == {ann}


@pytest.mark.parametrize(
    "text", ["", " ", "@", "@*", "before:", "#", "/kwip/", "9" * 40, "before:" + "9" * 30, "\\", "'"]
)
def test_whatever_is_typed_is_searched_for_without_an_error(
    operator: Client, ann: User, publish, text: str
) -> None:
    publish(ann)
    assert operator.get(KWIPS, {"q": text}).status_code == 200
    assert operator.get(PEOPLE, {"q": text}).status_code == 200
    str(Sought.parse(text))
