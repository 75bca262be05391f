"""Sign-up by approval: the applicant's way, the operators' queue, and both mails."""

import datetime

import pytest
from django.core import mail
from django.db.models import F
from django.test import Client

from apps.accounts import applications, queries, sign_ups
from apps.accounts.models import WORDS_LIMIT, Application, SignUp, User
from apps.accounts.names import NameTaken
from kwippy.tasks import sweep_sign_ups
from tests.pages.test_sign_up_modes import APPROVAL, OPEN, set_mode
from tests.support.concurrency import at_once
from tests.support.people import PASSWORD, link_to, signs_in, who_is_in

pytestmark = pytest.mark.django_db

WORDS = "i bake bread.\n<b>and</b> you?"


def apply(
    client: Client, name: str = "eve", words: str = WORDS, password: str = PASSWORD, confirm: bool = True
):
    address = f"{name}@example.org"
    form = {"username": name, "email": address, "password1": password, "password2": password, "words": words}
    answer = client.post("/accounts/signup/", form)
    return client.get(link_to(address), follow=True) if confirm else answer


@pytest.fixture(autouse=True)
def by_approval(db: None) -> None:
    set_mode(APPROVAL)


@pytest.fixture
def ops(db: None) -> User:
    return User.objects.create_superuser("ops", "ops@example.org", PASSWORD)


def decide(ops: User, action: str, *rows: Application) -> str:
    client = Client()
    client.force_login(ops)
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    answer = client.post("/admin/accounts/application/", chosen, follow=True)
    return "\n".join(str(message) for message in answer.context["messages"]) if answer.context else ""


def test_an_applicant_confirms_waits_and_is_let_in_with_a_mail(client: Client, ops: User) -> None:
    page = apply(client).content.decode()
    assert "&lt;b&gt;and&lt;/b&gt;" in page
    assert who_is_in(client) is None
    assert not signs_in("eve")
    assert "1 accepted" in decide(ops, "accept", Application.objects.get())
    assert mail.outbox[-1].to == ["eve@example.org"]
    assert "come in" in mail.outbox[-1].subject
    assert link_to("eve@example.org") == "/accounts/login/"
    assert signs_in("eve")
    assert not Application.objects.exists()
    assert queries.is_members("eve@example.org"), "the address stays confirmed"
    assert "confirmed" in client.get("/accounts/confirm-email/").content.decode()


def test_a_member_whose_browser_confirms_an_application_is_signed_in_as_long_as_before(
    client: Client, ops: User
) -> None:
    apply(client, confirm=False)
    theirs = Client()
    theirs.force_login(ops)
    before = theirs.session.get_expiry_age()
    answer = theirs.post(link_to("eve@example.org"), {"password": PASSWORD})
    assert (answer.status_code, Application.objects.count()) == (302, 1)
    assert before - 60 < theirs.session.get_expiry_age() <= before


def test_a_refused_applicant_gets_a_mail_and_is_forgotten_after_a_month(client: Client, ops: User) -> None:
    apply(client)
    assert "1 refused" in decide(ops, "refuse", Application.objects.get())
    assert "not this time" in mail.outbox[-1].subject
    row = Application.objects.get()
    assert row.password == "", "what is not needed is not stored"
    assert "not this time" in client.get("/accounts/confirm-email/").content.decode()
    assert not signs_in("eve")
    sweep_sign_ups.call()
    assert Application.objects.exists()
    Application.objects.update(refused_at=F("refused_at") - datetime.timedelta(days=30))
    sweep_sign_ups.call()
    assert not Application.objects.exists()


def test_the_words_are_required_bounded_and_come_back_with_an_error(client: Client) -> None:
    for words in ("", "  \n ", "x" * (WORDS_LIMIT + 1), "nul \0"):
        answer = apply(client, words=words, confirm=False)
        assert "words" in answer.context["form"].errors
    assert (
        "x" * (WORDS_LIMIT + 1)
        in apply(client, words="x" * (WORDS_LIMIT + 1), confirm=False).content.decode()
    )
    assert not SignUp.objects.exists()
    apply(client, words="x" * WORDS_LIMIT)
    assert Application.objects.get().words == "x" * WORDS_LIMIT


def test_nothing_of_an_applicant_is_public_and_the_name_is_reserved_while_waiting(
    client: Client, ops: User
) -> None:
    apply(client)
    SignUp.objects.all().delete()
    assert Client().get("/eve/").status_code == 404
    assert queries.ids_of({"eve"}) == set()
    other = Client()
    form = {
        "username": "eve",
        "email": "e@example.org",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "words": "x",
    }
    assert "someone has that name already" in other.post("/accounts/signup/", form).content.decode()
    applications.refuse([Application.objects.get().pk], by=ops)
    assert other.post("/accounts/signup/", form).status_code == 302, "after a refusal the name is free"


def test_a_name_outlives_the_sign_up_that_reserved_it(client: Client) -> None:
    apply(client)
    SignUp.objects.update(asked_at=F("asked_at") - datetime.timedelta(days=4))
    sweep_sign_ups.call()
    assert not SignUp.objects.exists()
    with pytest.raises(NameTaken):
        sign_ups.create(username="eve", email="other@example.org", password="!")


def test_the_link_and_the_password_show_an_applicant_what_became_of_it(client: Client) -> None:
    apply(client)
    assert "our turn" in Client().get(link_to("eve@example.org")).content.decode()
    phone = Client()
    wrong = phone.post("/accounts/login/", {"login": "eve", "password": "wrong horse"})
    assert "don&#x27;t go together" in wrong.content.decode()
    answer = phone.post("/accounts/login/", {"login": "eve@example.org", "password": PASSWORD}, follow=True)
    assert "our turn" in answer.content.decode()
    assert len(mail.outbox) == 1, "no further link is sent"
    assert who_is_in(phone) is None


def test_another_person_with_the_address_can_not_end_an_application(client: Client) -> None:
    apply(client)
    apply(Client(), words="i am not eve", password="another horse", confirm=False)
    assert Application.objects.get().words == WORDS


def test_a_confirmed_second_application_replaces_the_first(client: Client) -> None:
    apply(client)
    apply(client, words="better words")
    assert [row.words for row in Application.objects.all()] == ["better words"]
    set_mode(OPEN)
    apply(client)
    assert who_is_in(client) == "eve"
    assert not Application.objects.exists()


def test_a_batch_decides_each_once_and_reports_what_it_can_not_accept(ops: User) -> None:
    for name in ("eve", "fay", "gus"):
        apply(Client(), name)
    rows = list(Application.objects.order_by("pk"))
    User.objects.create_user("hal", "gus@example.org")
    page = decide(ops, "accept", *rows)
    assert "2 accepted" in page
    assert "gus: the name or the address belongs to a person by now" in page
    assert "0 accepted" in decide(ops, "accept", *rows[:2])
    assert {row.username for row in Application.objects.all()} == {"gus"}


def test_an_operator_without_the_permission_decides_nothing(ops: User) -> None:
    apply(Client())
    clerk = User.objects.create_user("clerk", "clerk@example.org", is_staff=True)
    decide(clerk, "accept", Application.objects.get())
    assert Application.objects.get().refused_at is None


@pytest.mark.django_db(transaction=True)
def test_accepting_and_refusing_at_once_decides_once_with_one_mail(ops: User) -> None:
    apply(Client())
    pk = Application.objects.get().pk
    sent = len(mail.outbox)
    accept = [lambda: bool(sign_ups.accept(pk, by=ops))] * 3
    refuse = [lambda: bool(applications.refuse([pk], by=ops))] * 3
    assert sorted(at_once([*accept, *refuse])) == [False] * 5 + [True]
    assert len(mail.outbox) == sent + 1
    assert User.objects.filter(username="eve").exists() != Application.objects.exists()
