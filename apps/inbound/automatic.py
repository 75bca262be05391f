"""Mails that no person wrote to us: answering machines, mailing lists, bounces. None is read or answered."""

from apps.inbound.parsing import Message, header

# A list, a bounce, an answering machine; RFC 3834 asks for the first, older programs send the others.
_PRESENT = (
    "List-Id", "List-Unsubscribe", "List-Post", "X-Autoreply", "X-Autorespond", "X-Failed-Recipients",
    "X-Loop", "Feedback-ID",
)  # fmt: skip
_PRECEDENCE = {"bulk", "junk", "list", "auto_reply", "auto-reply"}
_MACHINES = ("mailer-daemon", "postmaster", "noreply", "no-reply", "bounce")


def is_automatic(message: Message, *, sender: str, envelope_sender: str | None = None) -> bool:
    """``sender`` is the address of From; ``envelope_sender`` None if it is not known, "" for a bounce."""
    if header(message, "Auto-Submitted").partition(";")[0].strip().lower() not in {"", "no"}:
        return True
    if header(message, "Precedence").lower() in _PRECEDENCE:
        return True
    if any(message.get(name) is not None for name in _PRESENT):
        return True
    if message.get_content_type() == "multipart/report":
        return True
    if envelope_sender == "" or header(message, "Return-Path") == "<>":
        return True
    return not sender or sender.partition("@")[0].startswith(_MACHINES)
