from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "apps.notifications"
    verbose_name = _("notices")

    def ready(self) -> None:
        from apps.feeds import side
        from apps.notifications import erasing, kinds, subscriptions  # noqa: F401 - they subscribe
        from apps.notifications.statements import SQL

        side.more.append(SQL.load("talks"))
