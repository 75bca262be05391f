"""The contact form, as Kwippy's own account of 2008 tells it: stored, acknowledged, mailed, never an error.

A message is a row in PostgreSQL first; the mail about it goes out by the way that `MAILERS` names, in the
same transaction. Either a person is told that the message is here, and it is; or they are told that it is
not, and everything they typed is still in the form.
"""
