"""The checks, in the order of their lines."""

from kwippy.doctor import dns_records, machine, scraped, services, smtp_dialogue
from kwippy.doctor.report import Check

CHECKS = (
    Check("settings", services.configuration, before_upgrade=True),
    Check("postgresql", services.database, before_upgrade=True),
    Check("disk", machine.disk, before_upgrade=True),
    Check("clock", machine.clock, before_upgrade=True),
    Check("memcached", services.memcached),
    Check("caches", services.caches),
    Check("queue", services.queue),
    Check("factors", services.second_factors),
    Check("sign-up rate", services.sign_ups),
    Check("metrics", scraped.counters),
    Check("certificate", machine.certificate),
    Check("backup", machine.backups),
    Check("mail", smtp_dialogue.greet),
    Check("dns", dns_records.records),
)
# Before an upgrade only what could stop it is asked: it must not wait for a mail server.
BEFORE_UPGRADE = tuple(check for check in CHECKS if check.before_upgrade)
# What `manage.py sitestatus` repeats.
STATUS = tuple(
    check for check in CHECKS if check.name in ("sign-up rate", "factors", "disk", "certificate", "backup")
)
