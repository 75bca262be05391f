"""Sections of the archive whose models belong to siblings of `apps.archive`."""

from typing import Any

from apps.archive import rows
from apps.archive.registry import Section, register
from apps.moderation.models import Appeal, Report, Warning


def connect() -> None:
    fields = {"reason": "the kind", "words": "what one said about it", "reported_at": "when"}
    reports = rows.listed(lambda person_id: Report.objects.filter(reporter=person_id), _report)
    register(Section("reported", "reports", fields, reports, ("moderation.Report",)))
    fields = {"reason": "the kind", "words": "what the moderators said", "given_at": "when"}
    warnings = rows.listed(lambda person_id: Warning.objects.filter(person=person_id), _warning)
    register(Section("warnings", "warnings", fields, warnings, ("moderation.Warning",)))
    fields = {"words": "what one said", "made_at": "when"}
    appeals = rows.listed(lambda person_id: Appeal.objects.filter(person=person_id), _appeal)
    register(Section("appeals", "appeals", fields, appeals, ("moderation.Appeal",)))


def _report(report: Report) -> dict[str, Any]:
    return {
        "reason": report.reason,
        "words": report.words,
        "reported_at": rows.when(report.reported_at),
    }


def _warning(warning: Warning) -> dict[str, Any]:
    return {"reason": warning.reason, "words": warning.words, "given_at": rows.when(warning.given_at)}


def _appeal(appeal: Appeal) -> dict[str, Any]:
    return {"words": appeal.words, "made_at": rows.when(appeal.made_at)}
