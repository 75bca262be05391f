"""Every registration of the site, in order: what the apps declare, connected to what uses it.

`KwippyConfig.ready` calls `connect` once, when models and settings are loaded and before the URL map is.
"""

import logging
from collections.abc import Sequence

from allauth.account.signals import authentication_step_completed, password_reset
from allauth.mfa.signals import authenticator_used
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core.checks import Tags, register
from django.urls import register_converter

from apps import limits, lookaside, pagecache
from apps.accounts import browsers, factor_resets, reauthentication, returned_words, sign_ups
from apps.accounts import watched as watched_people
from apps.accounts.converters import PersonConverter
from apps.accounts.forms import RETURNED_FIELDS as ACCOUNTS_FIELDS
from apps.cachewatch import Item, Kind, kinds
from apps.commandqueue.mail import hooks as mail_hooks
from apps.contact.forms import RETURNED_FIELDS as CONTACT_FIELDS
from apps.feeds.converters import RangeConverter, TagConverter
from apps.feeds.warm_paths import warm_paths
from apps.feeds.watched import listed_cards
from apps.graph.forms import RETURNED_FIELDS as GRAPH_FIELDS
from apps.keyset.cursor import AS_OF_CURSOR
from apps.kwips.converters import KwipIdConverter
from apps.kwips.forms import RETURNED_FIELDS as KWIPS_FIELDS
from apps.limits.checks import check_settings as check_limits
from apps.messages.forms import RETURNED_FIELDS as MESSAGES_FIELDS
from apps.moderation.forms import RETURNED_FIELDS as MODERATION_FIELDS
from apps.pagecache import watched as watched_pages
from apps.securitylog import refusals
from apps.tokens.forms import RETURNED_FIELDS as TOKENS_FIELDS
from kwippy import admin_defaults, admin_log, archived, checks, tasks
from kwippy.observability import error_mail, metrics, request_log, sql_log


def connect() -> None:
    add_converters()
    add_checks()
    admin_defaults.bound()
    admin_log.connect()
    declare_paths_and_fields()
    # A failed invalidation is retried by a task.
    lookaside.on_invalidation_failed.append(tasks.enqueue_invalidation)
    # The first pages that `manage.py warmpages` requests.
    pagecache.warm_paths.append(warm_paths)
    watch_caches()
    limits.on_refused += [metrics.count_refusal, refusals.record_refusal]
    user_login_failed.connect(metrics.count_failed_sign_in)
    authentication_step_completed.connect(reauthentication.keep_newest)
    authentication_step_completed.connect(reauthentication.renew_key)
    password_reset.connect(browsers.note_link)
    sign_ups.on_asked.append(metrics.count_sign_up)
    authenticator_used.connect(factor_resets.cancel_by_use)
    sql_log.start()
    attach_to_mail()
    archived.connect()
    if settings.ADMINS:
        mail_errors_to_admins()


def add_converters() -> None:
    """`<person:…>`, `<kwip_id:…>` and the like in the URL maps."""
    register_converter(PersonConverter, "person")
    register_converter(KwipIdConverter, "kwip_id")
    register_converter(TagConverter, "tag")
    register_converter(RangeConverter, "id_range")


def add_checks() -> None:
    """System checks, in the order in which `manage.py check` runs them."""
    for check in checks.CHECKS:
        register(check)
    register(checks.database, Tags.database)
    register(check_limits)


def declare_paths_and_fields() -> None:
    """What the log must not contain, and what error pages give back to the person who typed it."""
    from apps.accounts import urls as accounts  # they use the converters
    from apps.moderation import urls as moderation
    from apps.notifications import urls as notifications

    request_log.secret_paths += accounts.SECRET_PATHS + notifications.SECRET_PATHS + moderation.SECRET_PATHS
    returned_words.returned_fields += dict.fromkeys(
        (
            "content_note",  # a note stands before its text
            *ACCOUNTS_FIELDS,
            *CONTACT_FIELDS,
            *GRAPH_FIELDS,
            *KWIPS_FIELDS,
            *MESSAGES_FIELDS,
            *MODERATION_FIELDS,
            *TOKENS_FIELDS,
        )
    )


def watch_caches() -> None:
    """What the watch on the caches takes samples of."""
    pages = Kind("pages", watched_pages.sample, _watched_pages)
    kinds.extend((watched_people.users(), watched_people.live_sessions(), listed_cards(), pages))


def _watched_pages(paths: Sequence[str]) -> list[Item]:
    pages = watched_pages.stored(paths)
    return [Item(page.path, page.key, page.fresh, reduced=_words) for page in pages]


def _words(encoded: bytes) -> bytes:
    return AS_OF_CURSOR.sub(b"", watched_pages.body(encoded))


def attach_to_mail() -> None:
    """Notices are checked again before they are delivered, and hear which addresses are refused."""
    from apps.notifications.mail import hooks as notices

    mail_hooks.before_delivery.append(notices.is_wanted)
    mail_hooks.on_answer.append(notices.on_answer)


def mail_errors_to_admins() -> None:
    """Mail errors of requests to ADMINS.

    Not in LOGGING: that is configured before there are settings that the handler could read.
    """
    logging.getLogger("django.request").addHandler(error_mail.ErrorMailHandler())
