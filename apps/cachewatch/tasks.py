"""The recurring task."""

from django.tasks import task

from apps.cachewatch.watch import watch


@task(queue_name="bulk")
def watch_caches() -> dict[str, int]:
    """Compare samples of the caches with PostgreSQL; returns how many entries of each kind are stale."""
    return watch()
