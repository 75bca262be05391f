"""Reads of the counted violations."""

from typing import NamedTuple

from django.db.models import Sum

from apps.cspreports.models import Violation


class Summary(NamedTuple):
    kinds: int
    reports: int
    newest: Violation | None


def summary() -> Summary:
    """How many kinds there are, how many reports, and the kind that came last."""
    reports = Violation.objects.aggregate(total=Sum("count"))["total"] or 0
    named = Violation.objects.exclude(directive="")
    return Summary(named.count(), reports, named.order_by("-last_at").first())
