"""The task that is enqueued: it does nothing, as the queue is measured."""

from django.tasks import task


@task
def nothing() -> None:
    pass
