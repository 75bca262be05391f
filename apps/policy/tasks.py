"""Tasks of the policy."""

import datetime

from django.tasks import default_task_backend, task

from apps.invalidation import invalidate
from apps.policy.keys import POLICY

# After the end a page renders without the announcement even if this machine's clock is a little fast.
MARGIN = datetime.timedelta(seconds=1)


@task(queue_name="now")
def end_announcement() -> None:
    """Purges the pages that were rendered with the announcement. Repeating it changes nothing."""
    invalidate(cache=[POLICY], pages=[POLICY])


def schedule_end(until: datetime.datetime) -> None:
    """Enqueues the purge for the end. A backend that cannot defer tasks has no cached pages to purge."""
    if default_task_backend.supports_defer:
        end_announcement.using(run_after=until + MARGIN).enqueue()
