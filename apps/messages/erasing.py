"""What messages delete of a person whose account is deleted.

Both copies of a message refer to both people, so that messages and sides go on both sides as plain
references. A report by the person stays for the operators, without what the person said.
"""

from apps.accounts import erasing
from apps.messages.models import Report


def erase_notes(person_id: int, limit: int) -> int:
    ids = list(Report.objects.filter(reporter=person_id).values_list("pk", flat=True)[:limit])
    return Report.objects.filter(pk__in=ids).update(reporter=None, note="")


erasing.register("notes of reports", erase_notes, erasing.ABOUT)
