"""`manage.py doctor`: what is wrong with this site, one line a check, each with what to do.

Read in this order: `report.py` (findings, and the time limit of a check), `checkup.py` (the list of checks),
`machine.py`, `services.py`, `dns_records.py`, `smtp_dialogue.py`, `scraped.py` (the one place that reads
metrics), `notes.py` (what the operator's scripts have written down: backups), `daily.py` (the mail to
operators), `today.py` (the figures of `manage.py sitestatus`).

No check trusts what it checks: each has a time limit, and one that raises is itself a finding.
"""
