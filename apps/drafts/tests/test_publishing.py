"""A scheduled kwip is published at its time, once; or it is a draft again, and its owner is told."""

import datetime
from collections.abc import Callable

import pytest
from django.apps import apps
from django.core import mail
from django.db import transaction
from django.utils import timezone

from apps.accounts import leaving
from apps.accounts.actions import switch_off
from apps.accounts.models import OffReason, User
from apps.commandqueue.models import Command
from apps.drafts import actions, fields, publishing
from apps.drafts.models import Draft
from apps.drafts.publishing import publish_due
from apps.drafts.tests.conftest import Keep, sent
from apps.kwips import composing
from apps.kwips.models import Kwip
from tests.support.concurrency import at_once, overtaken

pytestmark = pytest.mark.django_db(transaction=True)


def run(draft: Draft) -> int | None:
    assert draft.publish_at
    return publish_due.call(draft.pk, draft.publish_at.isoformat())


def commands() -> list[Command]:
    return list(Command.objects.filter(task=publish_due.module_path).order_by("pk"))


def test_it_is_enqueued_for_its_time(ann: User, keep: Keep) -> None:
    draft = keep(ann)
    at = timezone.now() + datetime.timedelta(days=3)
    actions.schedule(owner=ann, draft_id=draft.pk, publish_at=at)
    actions.schedule(owner=ann, draft_id=draft.pk, publish_at=at)  # a double click
    [command] = commands()
    assert command.run_after == command.due_at == at
    assert command.arguments == {"args": [draft.pk, at.isoformat()], "kwargs": {}}


def test_it_is_published_with_all_that_was_chosen(ann: User, due: Keep) -> None:
    draft = due(ann, "a thought #tea", followers_only="on")
    kwip_id = run(draft)
    kwip = Kwip.objects.get()
    assert (kwip.pk, kwip.text, kwip.followers_only) == (kwip_id, "a thought #tea", True)
    assert not Draft.objects.exists()
    assert run(draft) is None, "the command is run again after the worker was killed"
    assert Kwip.objects.count() == 1


def test_two_workers_at_once_publish_once(ann: User, due: Keep) -> None:
    draft = due(ann)
    made = at_once([lambda: run(draft)] * 6)
    assert len([kwip_id for kwip_id in made if kwip_id]) == 1
    assert Kwip.objects.count() == 1


def test_the_owner_and_the_worker_at_once_publish_once(ann: User, due: Keep) -> None:
    draft = due(ann)

    def by_hand() -> int:
        form = fields.form_of(draft)
        assert form.is_valid()
        return composing.publish(ann, form).kwip.pk

    at_once([by_hand, lambda: run(draft)] * 3)
    assert Kwip.objects.count() == 1
    assert not Draft.objects.exists()


@pytest.mark.parametrize("change", ["cancelled", "another time", "deleted"])
def test_what_was_changed_is_not_published(ann: User, due: Keep, change: str) -> None:
    draft = due(ann)
    if change == "cancelled":
        assert actions.cancel(owner=ann, draft_id=draft.pk)
    elif change == "deleted":
        actions.delete(owner=ann, draft_id=draft.pk)
    else:
        later = timezone.now() + datetime.timedelta(days=1)
        assert actions.schedule(owner=ann, draft_id=draft.pk, publish_at=later)
    assert run(draft) is None
    assert not Kwip.objects.exists()
    assert Draft.objects.exists() is (change != "deleted")


def test_cancelled_while_the_worker_is_at_it(ann: User, due: Keep) -> None:
    """After the answer "cancelled" the kwip is not published."""
    draft = due(ann)
    with overtaken(lambda: run(draft)) as result:
        assert actions.cancel(owner=ann, draft_id=draft.pk)
    assert result() is None
    assert not Kwip.objects.exists()
    other = due(ann, "another")
    with overtaken(lambda: actions.cancel(owner=ann, draft_id=other.pk)) as cancelled:
        read = Draft.objects.select_related("owner").get(pk=other.pk)
        form = fields.form_to_publish(read)
        assert form.is_valid()
        publishing._publish(read, form)
    assert cancelled() is False
    assert Kwip.objects.count() == 1


def test_words_that_change_while_limits_are_asked_are_read_again(ann: User, due: Keep, monkeypatch) -> None:
    draft = due(ann)
    ask = composing.ask

    def ask_slowly(author: User, form):
        decision = ask(author, form)
        actions.save(owner=ann, fields=sent("other words"), form_key=draft.form_key, version=draft.version)
        return decision

    monkeypatch.setattr(composing, "ask", ask_slowly)
    with pytest.raises(publishing.Changed):
        run(draft)
    monkeypatch.undo()
    run(draft)
    assert [kwip.text for kwip in Kwip.objects.all()] == ["other words"]


def test_a_failure_counts_towards_no_limit(ann: User, due: Keep, settings, monkeypatch) -> None:
    settings.LIMITS = settings.LIMITS | {"publish": "1/1h"}
    draft = due(ann)

    def fail(*arguments: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(publishing, "_publish", fail)
        with pytest.raises(RuntimeError):
            run(draft)
    assert run(draft), "the second attempt is allowed"


def test_only_what_is_created_counts_towards_the_limit(ann: User, due: Keep, settings, monkeypatch) -> None:
    settings.LIMITS = settings.LIMITS | {"publish": "2/1h"}
    draft = due(ann)
    form = fields.form_to_publish(draft)
    assert form.is_valid()
    kwip_id = composing.publish(ann, form).kwip.pk
    assert run(draft) == kwip_id, "its form was sent elsewhere"
    ask = composing.ask

    def ask_slowly(author: User, form):
        decision = ask(author, form)
        Draft.objects.all().delete()
        return decision

    monkeypatch.setattr(composing, "ask", ask_slowly)
    assert run(due(ann, "thrown away")) is None
    monkeypatch.undo()
    assert run(due(ann, "another")), "there is room for the second kwip"


def refused_by_limit(draft: Draft, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"publish": "1/1h"}
    other = fields.form_to_publish(Draft(fields=sent("another"), owner=draft.owner))
    assert other.is_valid()
    composing.publish(draft.owner, other)


def invalid(draft: Draft, settings) -> None:
    Draft.objects.filter(pk=draft.pk).update(fields={"text": ["x" * 100_001]})


def warned(draft: Draft, settings) -> None:
    apps.get_model("moderation.Warning").objects.create(person=draft.owner, action_id=1, reason="unkind")


@pytest.mark.parametrize("why", [refused_by_limit, invalid, warned])
def test_what_cannot_be_published_is_a_draft_again_and_its_owner_is_told_once(
    ann: User, due: Keep, why: Callable[..., None], settings
) -> None:
    draft = due(ann)
    why(draft, settings)
    before = Kwip.objects.count()
    for _ in range(2):
        assert run(draft) is None
    again = Draft.objects.get(pk=draft.pk)
    assert again.publish_at is None
    assert again.failed
    [message] = mail.outbox
    assert (message.to, f"/drafts/{draft.pk}/" in str(message.body)) == (["ann@example.org"], True)
    assert again.failed in " ".join(str(message.body).split())
    assert Kwip.objects.count() == before


def test_people_who_are_off_publish_nothing(ann: User, bob: User, due: Keep) -> None:
    suspended, left = due(ann), due(bob)
    switch_off(people=[ann], by=bob, reason=OffReason.SUSPENDED)
    leaving.leave(user=bob)
    mail.outbox.clear()
    for draft in (suspended, left):
        assert run(draft) is None
    assert not Kwip.objects.exists()
    assert mail.outbox == []
    assert all(draft.failed and draft.publish_at is None for draft in Draft.objects.all())


def test_switched_off_while_the_worker_is_at_it(ann: User, due: Keep) -> None:
    draft = due(ann)
    with overtaken(lambda: run(draft)) as result:
        switch_off(people=[ann], by=ann, reason=OffReason.SUSPENDED)
    with pytest.raises(publishing.Changed):
        result()
    assert run(draft) is None
    assert not Kwip.objects.exists()


def test_a_lost_command_is_enqueued_again_and_what_is_a_day_late_is_a_draft(ann: User, due: Keep) -> None:
    now = timezone.now()
    times = {
        "soon": now - publishing.LATE / 2,
        "late": now - 2 * publishing.LATE,
        "too late": now - publishing.TOO_LATE - publishing.LATE,
    }
    drafts = {name: due(ann, name) for name in times}
    for name, draft in drafts.items():
        Draft.objects.filter(pk=draft.pk).update(publish_at=times[name])
    Command.objects.all().delete()
    assert publishing.enqueue_overdue.call() == 2
    [command] = commands()
    assert command.arguments == {"args": [drafts["late"].pk, times["late"].isoformat()], "kwargs": {}}
    again = Draft.objects.get(pk=drafts["too late"].pk)
    assert again.publish_at is None
    assert again.failed
    assert len(mail.outbox) == 1


def test_a_schedule_that_is_rolled_back_leaves_no_command(ann: User, keep: Keep) -> None:
    draft = keep(ann)
    with transaction.atomic():
        actions.schedule(owner=ann, draft_id=draft.pk, publish_at=timezone.now())
        transaction.set_rollback(True)
    assert commands() == []


def test_nobody_schedules_or_cancels_what_is_not_theirs(ann: User, bob: User, due: Keep) -> None:
    draft = due(ann)
    assert not actions.schedule(owner=bob, draft_id=draft.pk, publish_at=timezone.now())
    assert not actions.cancel(owner=bob, draft_id=draft.pk)
    actions.delete(owner=bob, draft_id=draft.pk)
    assert Draft.objects.get().publish_at == draft.publish_at
