"""Who joins by an invitation and who invited them follow each other."""

from apps.accounts import events as accounts_events
from apps.graph import actions


@accounts_events.invitation_taken.within
def follow_each_other(event: accounts_events.InvitationTaken) -> None:
    """Without asking, since the inviter chose the guest.

    An inviter who follows as many people as allowed is followed without following back.
    """
    actions.follow(follower=event.invited, followee=event.inviter, is_invited=True)
    try:
        actions.follow(follower=event.inviter, followee=event.invited)
    except actions.FollowsTooMany:
        pass
