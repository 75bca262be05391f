"""A moderator of the demo community, and three open reports."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group

from apps.accounts.models import User
from apps.demo.builder import DEMO, DEMO_PASSWORD
from apps.demo.house import HOUSE
from apps.kwips.models import Kwip
from apps.moderation import actions, cases
from apps.moderation.models import Reason

MODERATOR = "mod"
_WORDS = (
    (Reason.SPAM, "the third time today that i read this."),
    (Reason.HARASSMENT, "not a nice way to talk about tea."),
)


def look_after() -> None:
    """Adds both to a community that was just generated, in the caller's transaction."""
    mod = User.objects.filter(username=MODERATOR).first()
    if mod is None:
        mod = User(username=MODERATOR, email=f"{MODERATOR}@kwippy.example", display_name="mo")
        mod.bio = "i look after this place."
        mod.set_password(DEMO_PASSWORD)
        mod.joined_at = User.objects.earliest("pk").joined_at
        mod.save()
        EmailAddress.objects.create(user=mod, email=mod.email, verified=True, primary=True)
    mod.groups.add(Group.objects.get_or_create(name="moderators")[0])
    demo = User.objects.get(username=DEMO)
    of_others = Kwip.objects.exclude(author__username__in=[DEMO, HOUSE]).filter(audience=None).order_by("-pk")
    kwips = [of_others.filter(thread=None).first(), of_others.exclude(thread=None).first()]
    for kwip, (reason, words) in zip(kwips, _WORDS, strict=True):
        if kwip is not None:
            actions.report(thing=cases.of_kwip(kwip), reporter=demo, reason=reason, words=words)
    person = User.objects.exclude(username__in=[DEMO, HOUSE, MODERATOR]).order_by("-pk").first()
    if person is not None:
        thing = cases.of_person(person)
        actions.report(thing=thing, reporter=demo, reason=Reason.IMPERSONATION, words="is that really you?")
