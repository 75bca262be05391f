from apps.moderation.command import ActCommand
from apps.moderation.models import What


class Command(ActCommand):
    help = "Undo a suspension: what they wrote comes back."
    what = What.RESTORE
