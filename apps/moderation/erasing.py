"""What moderation deletes of a person whose account is deleted.

Cases, warnings, appeals and notes about them go as plain references. A report by the person stays for the
moderators, without what the person said. The audit log has ids alone, and stays.
"""

from apps.accounts import erasing
from apps.moderation.models import Report


def erase_words(person_id: int, limit: int) -> int:
    ids = list(Report.objects.filter(reporter=person_id).values_list("pk", flat=True)[:limit])
    return Report.objects.filter(pk__in=ids).update(reporter=None, words="")


erasing.register("words of reports", erase_words, erasing.ABOUT)
