import logging

from django.apps import AppConfig
from django.conf import settings


class KwippyConfig(AppConfig):
    name = "kwippy"

    def ready(self) -> None:
        # Here, since they read models and settings; the checks register themselves.
        from django.contrib.auth.signals import user_login_failed

        from apps import limits, lookaside
        from kwippy import checks, metrics, sqllog, tasks  # noqa: F401

        sqllog.start()
        lookaside.on_invalidation_failed.append(tasks.enqueue_invalidation)
        limits.on_refused.append(metrics.count_refusal)
        user_login_failed.connect(metrics.count_failed_sign_in)
        if settings.ADMINS:
            mail_errors_to_admins()


def mail_errors_to_admins() -> None:
    """Have errors of requests mailed to ADMINS.

    Here and not in LOGGING, which is read before there are settings that the handler could read.
    """
    from kwippy.errormail import ErrorMailHandler

    logging.getLogger("django.request").addHandler(ErrorMailHandler())
