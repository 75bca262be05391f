from apps.moderation.command import ActCommand
from apps.moderation.models import What


class Command(ActCommand):
    help = "Suspend people: they cannot sign in, and what they wrote is withheld."
    what = What.SUSPEND
