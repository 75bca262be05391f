"""Tasks of the site. TASKS in kwippy/settings/optimizations.py says which recur, and how often."""

import datetime
from importlib import import_module

from django.conf import settings
from django.tasks import task
from django.utils import timezone

from apps import limits, lookaside
from apps.accounts import joining, names
from apps.feeds import previews
from apps.lookaside.backends import TTL
from kwippy import unconfirmed


class StillAway(Exception):
    """Memcached does not answer yet: the queue will try again."""


@task(queue_name="now")
def forget(keys: list[str], since: str) -> None:
    """Invalidates again what could not be invalidated at ``since`` (ISO time). Raises `StillAway`."""
    if timezone.now() - datetime.datetime.fromisoformat(since) > datetime.timedelta(seconds=TTL):
        return  # no entry that is ever invalidated lives longer
    if lost := lookaside.cache().invalidate(keys, retrying=True):
        raise StillAway(f"{len(lost)} of {len(keys)} keys")


def forget_later(keys: list[str]) -> None:
    """Takes over what an invalidation could not delete."""
    forget.enqueue(keys, timezone.now().isoformat())


@task(queue_name="bulk")
def sweep_limits() -> int:
    """Delete expired limits; returns their number."""
    return limits.sweep()


@task(queue_name="bulk")
def sweep_previews() -> int:
    """Delete pictures of link previews that are too old or too many; returns their number."""
    return previews.sweep()


@task(queue_name="bulk")
def sweep_sign_ups() -> int:
    """Delete sign-ups whose address was not confirmed in time; returns their number."""
    return joining.sweep() + unconfirmed.remove()


@task(queue_name="bulk")
def release_names() -> int:
    """Delete former user names that have been reserved for a year; returns their number."""
    return names.release_names()


@task(queue_name="bulk")
def clear_sessions() -> None:
    """Delete expired sessions."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
