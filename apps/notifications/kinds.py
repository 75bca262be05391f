"""The kinds of notices of the apps below. Kinds of sibling apps are registered in `kwippy.wiring`.

`sql/commented.sql` and `sql/mentioned.sql` notify of mentions and comments: each writes several kinds.
"""

from django.utils.translation import gettext_lazy as _

from apps.accounts import events as accounts
from apps.graph import events as graph
from apps.kwips import events as kwips
from apps.messages import events as messages
from apps.notifications.queries import Line
from apps.notifications.registry import OF_KWIPS, Channel, Draft, Kind, register


def _of_kwip(line: Line) -> str:
    return line.kwip_url


def _of_actor(line: Line) -> str:
    return f"/{line.actors[0].username}/"


register(Kind("mention", _("someone mentions you"), OF_KWIPS["mention"], _of_kwip))
register(Kind("comment", _("someone comments on what you kwipped"), OF_KWIPS["comment"], _of_kwip))
register(Kind("tracked", _("someone comments where you track the talk"), OF_KWIPS["tracked"], _of_kwip))
register(
    Kind(
        "favourite",
        _("someone likes what you wrote"),
        Channel.SITE,
        _of_kwip,
        {
            kwips.favourited: lambda event: Draft(
                recipients=[event.kwip.author_id],
                actor_id=event.user.pk,
                subject=event.kwip.pk,
                thread_id=event.kwip.thread_id or event.kwip.pk,
                kwip_id=event.kwip.pk,
            )
        },
        condition="EXISTS (SELECT FROM kwips_favourite f"
        " WHERE f.user_id = n.actor_id AND f.kwip_id = n.subject)",
    )
)
register(
    Kind(
        "share",
        _("someone shares what you wrote"),
        Channel.DIGEST,
        _of_kwip,
        {
            kwips.shared: lambda event: Draft(
                recipients=[event.kwip.author_id],
                actor_id=event.user.pk,
                subject=event.kwip.pk,
                thread_id=event.kwip.pk,
                kwip_id=event.kwip.pk,
            )
        },
        condition="EXISTS (SELECT FROM kwips_share s"
        " WHERE s.kwip_id = n.subject AND s.sharer_id = n.actor_id)",
    )
)
register(
    Kind(
        "follow",
        _("someone follows you"),
        Channel.DIGEST,
        _of_actor,
        {
            # Not those whom the person let follow.
            graph.followed: lambda event: (
                None if event.by_request else Draft([event.followee.pk], event.follower.pk)
            )
        },
        condition="EXISTS (SELECT FROM graph_follow f"
        " WHERE f.follower_id = n.actor_id AND f.followee_id = n.recipient_id)"
        # Who takes an invitation also follows: one line is enough.
        " AND NOT EXISTS (SELECT FROM notifications_notice i WHERE i.recipient_id = n.recipient_id"
        " AND i.kind = 'invitation' AND i.subject = 0 AND i.actor_id = n.actor_id)",
    )
)
register(
    Kind(
        "request",
        _("someone asks to follow you"),
        Channel.DIGEST,
        lambda line: "/requests/",
        {graph.follow_requested: lambda event: Draft([event.asked.pk], event.asker.pk)},
        condition="EXISTS (SELECT FROM graph_followrequest r"
        " WHERE r.asker_id = n.actor_id AND r.asked_id = n.recipient_id)",
        is_repeated=True,
        buttons="notifications/_request.html",
    )
)
register(
    Kind(
        "accepted",
        _("someone lets you follow them"),
        Channel.DIGEST,
        _of_actor,
        {
            graph.followed: lambda event: (
                Draft([event.follower.pk], event.followee.pk) if event.by_request else None
            )
        },
        condition="EXISTS (SELECT FROM graph_follow f"
        " WHERE f.follower_id = n.recipient_id AND f.followee_id = n.actor_id)",
        is_repeated=True,
    )
)
register(
    Kind(
        "invitation",
        _("someone takes your invitation"),
        Channel.DIGEST,
        _of_actor,
        {accounts.invitation_taken: lambda event: Draft([event.inviter.pk], event.invited.pk)},
    )
)
register(
    Kind(
        "operator",
        _("the people who run this site write to you"),
        Channel.MAIL,
        lambda line: f"/notifications/message/{line.subject}/",
        condition="EXISTS (SELECT FROM notifications_operatormessage o WHERE o.id = n.subject)",
    )
)
register(
    Kind(
        "message",
        _("someone writes to you"),
        Channel.MAIL,
        lambda line: f"/messages/{line.actors[0].username}/",
        {
            # Not again before the recipient has read them.
            messages.messaged: lambda event: (
                Draft([event.recipient.pk], event.sender.pk, subject=event.sender.pk)
                if event.is_first
                else None
            )
        },
        condition="EXISTS (SELECT FROM private_messages_side s"
        " WHERE s.owner_id = n.recipient_id AND s.other_id = n.actor_id)",
        is_repeated=True,
    )
)
register(
    Kind(
        "buzz",
        _("someone misses your kwips"),
        Channel.DIGEST,
        lambda line: "/kwip/",
        {messages.buzzed: lambda event: Draft([event.buzzed.pk], event.buzzer.pk)},
        is_repeated=True,
        settings="/settings/messages/",
    )
)
