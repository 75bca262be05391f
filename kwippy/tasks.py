"""What the site does now and then; the settings say how often (TASKS)."""

from importlib import import_module

from django.conf import settings
from django.tasks import task

from apps import limits


@task(queue_name="bulk")
def sweep_limits() -> int:
    """Take away limits that have expired; returns how many."""
    return limits.sweep()


@task(queue_name="bulk")
def clear_sessions() -> None:
    """Take away sessions that have expired."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
