"""Comments that answer a comment of the same thread."""

import uuid
from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db(transaction=True)

type Write = Callable[..., Kwip]


def answer(author: User, answered: Kwip, thread: Kwip) -> Kwip:
    made = actions.comment(
        author=author, thread=thread, text="so do i", form_key=uuid.uuid4(), answers=answered
    )
    return Kwip.objects.get(pk=made.kwip.pk)


@pytest.fixture
def thread(ann: User, publish: Write) -> Kwip:
    return publish(ann)


@pytest.fixture
def said(bob: User, thread: Kwip, comment: Write) -> Kwip:
    return comment(bob, thread)


def test_a_comment_answers_another_of_its_thread(ann: User, thread: Kwip, said: Kwip) -> None:
    made = answer(ann, said, thread)
    assert (made.answers, made.thread) == (said, thread)
    assert said.answers is None


def test_it_answers_no_comment_of_another_thread_and_not_the_kwip_itself(
    ann: User, bob: User, thread: Kwip, said: Kwip, publish: Write
) -> None:
    other = publish(bob)
    for answered, below in ((said, other), (thread, thread)):
        with pytest.raises(actions.OtherThread):
            answer(ann, answered, below)
    assert Kwip.objects.filter(author=ann, thread__isnull=False).count() == 0
    ann.refresh_from_db()
    assert ann.comments_count == 0


def test_it_answers_no_comment_that_was_deleted(ann: User, thread: Kwip, said: Kwip) -> None:
    actions.delete(kwip=Kwip.objects.get(pk=said.pk))
    with pytest.raises(actions.Gone):
        answer(ann, said, thread)


def test_an_answer_stays_when_what_it_answers_is_deleted(ann: User, thread: Kwip, said: Kwip) -> None:
    made = answer(ann, said, thread)
    actions.delete(kwip=said)
    made.refresh_from_db()
    assert made.answers is None
    thread.refresh_from_db()
    assert thread.comments_count == 1


def test_a_deleted_kwip_takes_comments_and_their_answers_along(ann: User, thread: Kwip, said: Kwip) -> None:
    answer(ann, said, thread)
    actions.delete(kwip=thread)
    assert not Kwip.objects.exists()


def test_the_removal_of_all_that_someone_wrote_leaves_the_answers_of_others(
    ann: User, bob: User, thread: Kwip, said: Kwip
) -> None:
    made = answer(ann, said, thread)
    while actions.delete_some_of(author_id=bob.pk):
        pass
    made.refresh_from_db()
    assert made.answers is None
