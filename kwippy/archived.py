"""Sections of the archive whose models belong to siblings of `apps.archive`."""

from typing import Any

from django.db.models import QuerySet

from apps.archive import rows
from apps.archive.registry import Section, register
from apps.drafts.fields import text_of
from apps.drafts.models import Draft
from apps.inbound.models import SecretAddress
from apps.moderation.models import Appeal, Report, Warning


def connect() -> None:
    fields = {
        "about": "user name of its writer, or of the person",
        "kind": "what it is",
        "reason": "the kind of wrong",
        "words": "what one said about it",
        "reported_at": "when",
    }
    reports = rows.listed(_reports_of, _report)
    register(Section("reported", "reports", fields, reports, ("moderation.Report",)))
    fields = {
        "reason": "the kind of wrong",
        "words": "what the moderators said",
        "text": "what it is about, as it was written",
        "given_at": "when",
    }
    warnings = rows.listed(lambda person_id: Warning.objects.filter(person=person_id), _warning)
    register(Section("warnings", "warnings", fields, warnings, ("moderation.Warning",)))
    fields = {"words": "what one said", "made_at": "when"}
    appeals = rows.listed(lambda person_id: Appeal.objects.filter(person=person_id), _appeal)
    register(Section("appeals", "appeals", fields, appeals, ("moderation.Appeal",)))
    fields = {
        "text": "the words",
        "fields": "what else the form had, by the name of the field",
        "publish_at": "when it is to be published, if that was chosen",
        "not_published": "why it was not published then",
        "created_at": "when",
        "changed_at": "when it last changed",
    }
    drafts = rows.listed(lambda person_id: Draft.objects.filter(owner=person_id), _draft)
    register(Section("drafts", "drafts", fields, drafts, ("drafts.Draft",)))
    fields = {"made_at": "since when one has an address for it", "used_at": "when the last mail came to it"}
    by_mail = rows.listed(lambda person_id: SecretAddress.objects.filter(user=person_id), _address)
    register(Section("by_mail", "post by mail", fields, by_mail, ("inbound.SecretAddress",)))


def _reports_of(person_id: int) -> QuerySet[Report]:
    return Report.objects.filter(reporter=person_id).select_related("case__person")


def _report(report: Report) -> dict[str, Any]:
    return {
        "about": report.case.person.username,
        "kind": report.case.kind,
        "reason": report.reason,
        "words": report.words,
        "reported_at": rows.when(report.reported_at),
    }


def _warning(warning: Warning) -> dict[str, Any]:
    return {
        "reason": warning.reason,
        "words": warning.words,
        "text": warning.text,
        "given_at": rows.when(warning.given_at),
    }


def _appeal(appeal: Appeal) -> dict[str, Any]:
    return {"words": appeal.words, "made_at": rows.when(appeal.made_at)}


def _draft(draft: Draft) -> dict[str, Any]:
    return {
        "text": text_of(draft.fields),
        "fields": {name: values for name, values in draft.fields.items() if name != "text"},
        "publish_at": rows.when(draft.publish_at),
        "not_published": draft.failed,
        "created_at": rows.when(draft.created_at),
        "changed_at": rows.when(draft.changed_at),
    }


def _address(address: SecretAddress) -> dict[str, Any]:
    return {"made_at": rows.when(address.made_at), "used_at": rows.when(address.used_at)}
