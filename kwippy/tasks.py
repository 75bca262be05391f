"""Tasks of the site. TASKS in kwippy/settings/optimizations.py says which recur, and how often."""

import datetime
from importlib import import_module

from django.conf import settings
from django.tasks import task
from django.utils import timezone

from apps import limits, lookaside
from apps.accounts import applications, invitations, names, sign_ups
from apps.factors import resealing
from apps.feeds import previews
from apps.graph import muting
from apps.inbound import actions as inbound
from apps.lookaside.backends import TTL
from apps.notifications import actions as notices
from apps.pictures import sweeping as pictures
from apps.securitylog import sweeping as security_log
from kwippy import unconfirmed


class CacheUnavailable(Exception):
    """memcached is still down; the queue retries the command."""


@task(queue_name="now")
def retry_invalidation(keys: list[str], since: str) -> None:
    """Invalidates keys for which that failed at ``since`` (ISO time). Raises `CacheUnavailable`."""
    if timezone.now() - datetime.datetime.fromisoformat(since) > datetime.timedelta(seconds=TTL):
        return  # every entry has expired
    if failed := lookaside.cache().invalidate(keys, retrying=True):
        raise CacheUnavailable(f"{len(failed)} of {len(keys)} keys")


# The name in commands that were enqueued before the task was renamed.
forget = retry_invalidation


def enqueue_invalidation(keys: list[str]) -> None:
    """Enqueues the retry of a failed invalidation."""
    retry_invalidation.enqueue(keys, timezone.now().isoformat())


@task(queue_name="bulk")
def sweep_limits() -> int:
    """Delete limits that have expired; returns how many."""
    return limits.sweep()


@task(queue_name="bulk")
def sweep_security_log() -> int:
    """Delete what the security log has kept for its 90 days; returns how many."""
    return security_log.sweep()


@task(queue_name="bulk")
def sweep_previews() -> int:
    """Delete pictures of link previews that are old or too many; returns how many."""
    return previews.sweep()


@task(queue_name="bulk")
def sweep_pictures() -> int:
    """Delete uploaded pictures that nothing uses; returns how many."""
    return pictures.sweep()


@task(queue_name="bulk")
def sweep_sign_ups() -> int:
    """Delete expired sign-ups, invitations and refused applications; returns how many."""
    return sign_ups.sweep() + unconfirmed.remove() + invitations.sweep() + applications.sweep()


@task(queue_name="bulk")
def sweep_notices() -> int:
    """Delete notices that are old, or beyond a person's newest; returns how many."""
    return notices.sweep()


@task(queue_name="bulk")
def sweep_seen_mail() -> int:
    """Delete the record of mails that were read long ago; returns how many."""
    return inbound.sweep()


@task(queue_name="bulk")
def reseal_factors() -> int:
    """Encrypt the secrets of second factors by the present key; returns how many a former one did."""
    return resealing.reseal_all()


@task(queue_name="bulk")
def sweep_mutes() -> int:
    """Delete mutes that have ended; returns how many."""
    return muting.sweep()


@task(queue_name="bulk")
def release_names() -> int:
    """Delete former user names whose year is over; returns how many."""
    return names.release_names()


@task(queue_name="bulk")
def clear_sessions() -> None:
    """Delete sessions that have expired."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
