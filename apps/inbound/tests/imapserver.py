"""A real IMAP server (Twisted's) on loopback, with one mailbox in memory, that misbehaves as it is told."""

import io
import threading
from collections.abc import Callable
from email import message_from_bytes
from typing import Any

from twisted.cred import checkers, portal
from twisted.internet import protocol
from twisted.internet import reactor as twisteds
from twisted.internet.threads import blockingCallFromThread
from twisted.mail import imap4
from zope.interface import implementer

reactor: Any = twisteds
USER, PASSWORD = "kwippy", "a pass word"


@implementer(imap4.IMessage)
class Message:
    def __init__(self, uid: int, raw: bytes) -> None:
        self.uid, self.raw, self.flags = uid, raw, set[str]()
        self._parsed = message_from_bytes(raw)

    def getUID(self) -> int:
        return self.uid

    def getFlags(self) -> set[str]:
        return self.flags

    def getInternalDate(self) -> str:
        return "27-Nov-2026 09:00:00 +0000"

    def getSize(self) -> int:
        return len(self.raw)

    def getHeaders(self, negate: bool, *names: bytes) -> dict[str, str]:
        return {name.lower(): str(value) for name, value in self._parsed.items()}

    def getBodyFile(self) -> io.BytesIO:
        return io.BytesIO(self.raw.partition(b"\n\n")[2])

    def isMultipart(self) -> bool:
        return False

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.raw)


@implementer(imap4.IMailbox, imap4.IMessageFile)
class Mailbox:
    """As IMAP sees it; ``messages`` is what is in it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.last_uid = 0
        # Called with each uid before its answer; what it raises ends the connection.
        self.before_fetch: Callable[[int], None] = lambda uid: None

    def put(self, raw: bytes) -> Message:
        self.last_uid += 1
        self.messages.append(Message(self.last_uid, raw))
        return self.messages[-1]

    def getFlags(self) -> list[str]:
        return [r"\Seen", r"\Flagged", r"\Deleted"]

    def getHierarchicalDelimiter(self) -> str:
        return "/"

    def getUIDValidity(self) -> int:
        return 1

    def getUIDNext(self) -> int:
        return self.last_uid + 1

    def getUID(self, number: int) -> int:
        return self.messages[number - 1].uid

    def getMessageCount(self) -> int:
        return len(self.messages)

    def getRecentCount(self) -> int:
        return 0

    def getUnseenCount(self) -> int:
        return sum(r"\Seen" not in message.flags for message in self.messages)

    def isWriteable(self) -> bool:
        return True

    def destroy(self) -> None: ...

    def requestStatus(self, names: Any) -> dict[str, int]:
        return imap4.statusRequestHelper(self, names)

    def addListener(self, listener: Any) -> None: ...

    def removeListener(self, listener: Any) -> None: ...

    def fetch(self, wanted: imap4.MessageSet, uid: int) -> list[tuple[int, Message]]:
        found = self._found(wanted, uid)
        for _number, message in found:
            self.before_fetch(message.uid)
        return found

    def store(self, wanted: imap4.MessageSet, flags: list[str], mode: int, uid: int) -> dict[int, set[str]]:
        found = self._found(wanted, uid)
        for _number, message in found:
            message.flags |= set(flags)
        return {number: message.flags for number, message in found}

    def expunge(self) -> list[int]:
        gone = [number for number, message in enumerate(self.messages, 1) if r"\Deleted" in message.flags]
        self.messages = [message for message in self.messages if r"\Deleted" not in message.flags]
        return gone

    def _found(self, wanted: imap4.MessageSet, uid: int) -> list[tuple[int, Message]]:
        wanted.last = self.last_uid if uid else len(self.messages)
        numbered = list(enumerate(self.messages, 1))
        return [one for one in numbered if (one[1].uid if uid else one[0]) in wanted]


class Server:
    """Listens on 127.0.0.1, also again after `stop`."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.port = 0
        self._listening: Any = None

    def start(self) -> None:
        _run_reactor()
        account = imap4.MemoryAccount(USER)
        account.addMailbox("INBOX", self.mailbox)
        realm: Any = _Realm(account)
        users: Any = checkers.InMemoryUsernamePasswordDatabaseDontUse(**{USER: PASSWORD.encode()})
        factory: Any = protocol.Factory()

        def protocol_of() -> Any:
            made: Any = imap4.IMAP4Server()
            made.portal = portal.Portal(realm, [users])
            return made

        factory.protocol = protocol_of
        self._listening = blockingCallFromThread(
            reactor, reactor.listenTCP, self.port, factory, interface="127.0.0.1"
        )
        self.port = self._listening.getHost().port

    def stop(self) -> None:
        if self._listening is not None:
            blockingCallFromThread(reactor, self._listening.stopListening)
            self._listening = None


@implementer(portal.IRealm)
class _Realm:
    def __init__(self, account: imap4.MemoryAccount) -> None:
        self.account = account

    def requestAvatar(self, name: bytes, mind: Any, *interfaces: Any) -> tuple[Any, Any, Any]:
        return imap4.IAccount, self.account, lambda: None


def _run_reactor() -> None:
    """Twisted's event loop runs once in a process, so in a thread until its end."""
    if not reactor.running:
        started = threading.Event()
        reactor.callWhenRunning(started.set)
        threading.Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True).start()
        assert started.wait(30)
