"""The contact form: stores a message and sends mail to the operators and to the sender, in one transaction.

The mail goes through the backend that `MAILERS` names. If storing or mailing fails, nothing is stored, and
the form returns with an error and with everything that was typed.
"""
