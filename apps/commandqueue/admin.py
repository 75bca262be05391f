"""Django looks for an app's admin in this module; the queue's is in `operate/admin.py`."""

from apps.commandqueue.operate.admin import CommandAdmin, QueueControlAdmin, ScheduleAdmin

__all__ = ["CommandAdmin", "QueueControlAdmin", "ScheduleAdmin"]
