"""What a composer has is kept once, within bounds, and never over other words."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.accounts.models import User
from apps.drafts import actions, fields, queries
from apps.drafts.actions import Kept
from apps.drafts.models import MOST_BYTES, Draft
from apps.drafts.tests.conftest import Keep, sent
from apps.kwips import composing
from apps.kwips.models import Kwip
from tests.support.concurrency import at_once, meanwhile, overtaken

pytestmark = pytest.mark.django_db(transaction=True)
KEY = uuid.uuid4()


def save(owner: User, text: str, version: int = 0, *, key: uuid.UUID = KEY) -> actions.Saved:
    return actions.save(owner=owner, fields=sent(text), form_key=key, version=version)


def texts(owner: User) -> list[str]:
    rows = Draft.objects.filter(owner=owner).order_by("pk")
    return [fields.text_of(draft.fields) for draft in rows]


def test_one_composer_has_one_draft(ann: User) -> None:
    first = save(ann, "half")
    again = save(ann, "half", 0)
    then = save(ann, "half a thought", again.draft.version)
    assert [first.draft.version, again.draft.version, then.draft.version] == [1, 1, 2]
    assert texts(ann) == ["half a thought"]
    assert save(ann, "other words", then.draft.version).kept is Kept.HERE
    assert texts(ann) == ["other words"]


def test_the_same_save_many_times_at_once_is_one_draft(ann: User) -> None:
    saved = at_once([lambda: save(ann, "half").draft.pk] * 8)
    assert len(set(saved)) == 1
    assert texts(ann) == ["half"]


def test_a_stale_tab_overwrites_nothing_and_loses_nothing(ann: User) -> None:
    version = save(ann, "tea").draft.version
    save(ann, "coffee", version)
    for _ in range(2):  # sent again after the answer was lost
        assert save(ann, "tea with milk", version).kept is Kept.APART
    assert texts(ann) == ["coffee", "tea with milk"]
    assert save(ann, "coffee, black", version).kept is Kept.HERE, "it only adds to what is kept"
    assert texts(ann) == ["coffee, black", "tea with milk"]


def test_what_the_page_did_not_hear_of_is_no_conflict(ann: User) -> None:
    version = save(ann, "tea").draft.version
    assert save(ann, "milk", version + 1).kept is Kept.HERE, "the save before did not arrive"
    assert texts(ann) == ["milk"]
    assert Draft.objects.get().version > version + 1


def test_thrown_away_while_it_is_saved_it_is_gone(ann: User, keep: Keep, monkeypatch) -> None:
    draft = keep(ann, key=KEY)
    with meanwhile(lambda: actions.delete(owner=ann, draft_id=draft.pk)) as thrown_away:

        def read_slowly(before: fields.Fields, after: fields.Fields) -> bool:
            thrown_away()
            return True

        monkeypatch.setattr(actions, "_adds_to", read_slowly)
        assert save(ann, "half a thought, and more").kept is Kept.HERE
    assert not Draft.objects.exists()


@pytest.mark.parametrize("text", ["", "   ", "\n\r\n"])
def test_nothing_is_not_kept(ann: User, text: str) -> None:
    with pytest.raises(actions.Empty):
        save(ann, text)
    version = save(ann, "tea").draft.version
    with pytest.raises(actions.Empty):
        save(ann, text, version)
    assert texts(ann) == ["tea"]


@pytest.mark.parametrize("text", ["tea\0", "tea\ud800", '"' * (MOST_BYTES // 2), "🫖" * (MOST_BYTES // 4)])
def test_what_cannot_be_stored_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        sent(text)
    assert refused.value.messages[0]


@pytest.mark.parametrize("text", ['"' * 100_000, "🫖" * 100_000, "\\\n" * 49_999 + "x"])
def test_the_longest_kwip_is_kept_whatever_its_characters(ann: User, text: str) -> None:
    save(ann, text)
    assert texts(ann) == [text]


def test_the_database_has_the_bound_too(ann: User) -> None:
    with pytest.raises(IntegrityError, match="draft_bytes"):
        Draft.objects.create(owner=ann, fields={"text": ["x" * (MOST_BYTES + 1)]})


def test_fields_that_the_composer_does_not_have_are_not_kept() -> None:
    kept = sent("tea", followers_only="on", draft="7", form_key=str(KEY), then_later="on", hostile="x" * 9)
    assert kept == {"text": ["tea"], "followers_only": ["on"]}


def test_a_person_has_room_for_so_many(ann: User, bob: User, keep: Keep, monkeypatch) -> None:
    monkeypatch.setattr(actions, "MOST", 3)
    kept = [keep(ann, f"{number}") for number in range(3)]
    with pytest.raises(actions.TooMany):
        keep(ann, "one more")
    keep(bob, "not theirs")
    changed = save(ann, "0 and more", kept[0].version, key=kept[0].form_key)
    assert changed.kept is Kept.HERE
    actions.delete(owner=ann, draft_id=kept[1].pk)
    keep(ann, "one more")


def test_so_many_at_once_are_no_more(ann: User, keep: Keep, monkeypatch) -> None:
    monkeypatch.setattr(actions, "MOST", 3)

    def one() -> bool:
        try:
            keep(ann)
        except actions.TooMany:
            return False
        return True

    assert sum(at_once([one] * 8)) == 3


def test_a_save_beside_the_one_that_reaches_the_limit_waits_and_is_refused(
    ann: User, keep: Keep, monkeypatch
) -> None:
    monkeypatch.setattr(actions, "MOST", 2)
    keep(ann)

    def one_more() -> None:
        with pytest.raises(actions.TooMany):
            keep(ann)

    with overtaken(one_more) as end:
        keep(ann)
    end()
    assert Draft.objects.count() == 2


def test_publishing_the_composer_deletes_its_draft(ann: User, bob: User, keep: Keep) -> None:
    draft, other, theirs = keep(ann), keep(ann, "another"), keep(bob, key=KEY)
    form = fields.form_of(draft)
    assert form.is_valid()
    composing.publish(ann, form)
    assert set(Draft.objects.values_list("pk", flat=True)) == {other.pk, theirs.pk}


def test_a_draft_with_other_words_by_now_stays(ann: User, keep: Keep) -> None:
    draft = keep(ann)
    form = fields.form_of(draft)
    save(ann, "other words", draft.version, key=draft.form_key)
    assert form.is_valid()
    composing.publish(ann, form)
    assert texts(ann) == ["other words"]


def test_the_save_that_was_on_its_way_goes_too(ann: User, keep: Keep) -> None:
    draft = keep(ann, "half")
    save(ann, "half a", draft.version, key=draft.form_key)
    draft.fields["text"] = ["half a thought"]
    form = fields.form_of(draft)
    assert form.is_valid()
    composing.publish(ann, form)
    assert texts(ann) == []


def test_a_save_that_arrives_after_its_kwip_keeps_nothing(ann: User, keep: Keep) -> None:
    draft = keep(ann)
    form = fields.form_of(draft)
    assert form.is_valid()
    composing.publish(ann, form)
    with pytest.raises(actions.Published):
        actions.save(owner=ann, fields=draft.fields, form_key=draft.form_key, version=draft.version)
    assert texts(ann) == []
    assert Kwip.objects.count() == 1


def test_a_rolled_back_kwip_leaves_its_draft(ann: User, keep: Keep, monkeypatch) -> None:
    draft = keep(ann)
    form = fields.form_of(draft)
    assert form.is_valid()

    def fail(**facts: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(Draft, "delete", lambda draft: fail())
        with pytest.raises(RuntimeError):
            composing.publish(ann, form)
    assert texts(ann) == ["half a thought"]
    assert not Kwip.objects.exists()


def test_the_list_has_the_first_words_of_ones_own(ann: User, bob: User, keep: Keep) -> None:
    keep(bob, "theirs")
    keep(ann, "the first" + "x" * 1_000)
    keep(ann, "the second")
    shown = [draft.beginning[:10] for draft in queries.listed(ann)]  # type: ignore[attr-defined]
    assert shown == ["the second", "the firstx"]
    assert queries.own(ann, Draft.objects.get(owner=bob).pk) is None
