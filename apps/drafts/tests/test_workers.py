"""Workers that are killed while they publish: no kwip is lost, and none is there twice."""

import pytest

from apps.accounts.models import User
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests.conftest import let_time_pass, nothing_recurs, wait_for, work_until_finished
from apps.commandqueue.tests.processes import kill, worker
from apps.drafts.models import Draft
from apps.drafts.publishing import publish_due
from apps.drafts.tests.conftest import Keep
from apps.kwips.models import Kwip, Tag
from tests.support.concurrency import somebody_waits, uncommitted

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["nothing_recurs"]


@pytest.mark.parametrize("point", ["before the kwip", "with the kwip inserted"])
def test_killed_at_any_point_it_is_published_once(ann: User, due: Keep, point: str) -> None:
    due(ann, "a thought #tea")
    [command] = Command.objects.filter(task=publish_due.module_path)
    with worker("--queues=default") as process, uncommitted():
        if point == "before the kwip":
            User.objects.select_for_update(no_key=True).get(pk=ann.pk)
        else:
            Tag.objects.create(name="tea")
        wait_for(somebody_waits)
        kill(process)
    assert Draft.objects.count() == 1
    assert not Kwip.objects.exists()
    let_time_pass()
    assert work_until_finished(command).state == State.DONE
    assert [kwip.text for kwip in Kwip.objects.all()] == ["a thought #tea"]
    assert not Draft.objects.exists()


def test_two_workers_publish_many_once_each(ann: User, due: Keep, settings) -> None:
    for number in range(12):
        due(ann, f"thought {number}")
    # The same commands again, as a sweep enqueues them.
    for draft in Draft.objects.all():
        assert draft.publish_at
        publish_due.enqueue(draft.pk, draft.publish_at.isoformat())
    commands = Command.objects.filter(task=publish_due.module_path)
    with worker("--queues=default"), worker("--queues=default"):
        wait_for(lambda: not commands.exclude(state=State.DONE).exists())
    texts = sorted(kwip.text for kwip in Kwip.objects.all())
    assert texts == sorted(f"thought {number}" for number in range(12))
    assert not Draft.objects.exists()
