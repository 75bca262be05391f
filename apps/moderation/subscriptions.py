"""What moderation adds to other apps: the mark of a warning, cases of held kwips, notices to reporters."""

from django.utils.translation import gettext_lazy as _

from apps.accounts import adapter, viewer
from apps.kwips import events as kwips
from apps.moderation import appeals, cases
from apps.moderation.events import answered
from apps.notifications.registry import Channel, Draft, Kind, register

viewer.annotations["has_warning"] = (
    "EXISTS (SELECT FROM moderation_warning w WHERE w.person_id = accounts_user.id AND w.read_at IS NULL)"
)
adapter.ways_to_appeal.append(appeals.path_for)

register(
    Kind(
        "report",
        _("we looked at what you reported"),
        Channel.SITE,
        lambda line: f"/moderation/reports/{line.subject}/",
        {answered: lambda event: Draft(event.reporter_ids, subject=event.case_id)},
        condition="EXISTS (SELECT FROM moderation_report r"
        " WHERE r.case_id = n.subject AND r.reporter_id = n.recipient_id)",
    )
)


@kwips.held.within
def on_held(event: kwips.Held) -> None:
    """What waits for a moderator is a case without reports."""
    cases.open_case(cases.of_kwip(event.kwip))
