from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InboundConfig(AppConfig):
    name = "apps.inbound"
    verbose_name = _("post by mail")

    def ready(self) -> None:
        from apps.inbound import addresses
        from apps.notifications.mail import mails

        mails.reply_addresses.append(addresses.of_line)
