"""An HTTP client with cookies, forms and TLS; each request has a connection of its own."""

import http.client
import json
import re
import ssl
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from deploy.rehearse.stack import DOMAIN, RehearsalError, Stack

PASSWORD = "seven green teapots"  # noqa: S105 - for temporary accounts


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str
    seconds: float


class _Forms(HTMLParser):
    """The fields of each form of a page, by the form's action."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._action: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._action = given.get("action", "")
            self.found[self._action] = {}
        elif self._action is None or tag not in ("input", "textarea") or not given.get("name"):
            return
        elif given.get("type") not in ("checkbox", "radio", "file", "submit"):
            self.found[self._action][given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = None


# The certificate is self-signed.
_TLS = ssl.create_default_context()
_TLS.check_hostname = False
_TLS.verify_mode = ssl.CERT_NONE


class _Connection(http.client.HTTPSConnection):
    """Connects to this machine under the site's name."""

    def __init__(self, address: str, port: int, domain: str, timeout: float) -> None:
        super().__init__(address, port, timeout=timeout)
        self.domain = domain

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = _TLS.wrap_socket(self.sock, server_hostname=self.domain)


@dataclass
class Visitor:
    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    timeout: float = 40
    domain: str = DOMAIN
    address: str = "127.0.0.1"

    @property
    def site(self) -> str:
        """The address of the site, as a browser shows it."""
        return f"https://{self.domain}:{self.port}"

    def get(self, path: str, **headers: str) -> Answer:
        """Requests a page. Raises OSError or HTTPException without a response."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        """Sends a form. Raises OSError or HTTPException without a response."""
        return self._ask("POST", path, urlencode(form), headers)

    def form(self, path: str, action: str) -> dict[str, str]:
        """The fields of a form on a page, whose action begins with ``action``. Raises RehearsalError."""
        answer = self.get(path)
        forms = _Forms(answer.text).found
        for found, fields in forms.items():
            if found.startswith(action):
                return fields
        raise RehearsalError(f"{path} ({answer.status}) has no form for {action}", "web")

    def fill(self, path: str, action: str, /, **fields: str) -> Answer:
        """Fills in the form on a page and sends it. Raises RehearsalError if it is refused."""
        answer = self.post(action, self.form(path, action) | fields)
        if answer.status not in (302, 303):
            said = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', answer.text, re.DOTALL)
            raise RehearsalError(f"posting to {action} was answered with {answer.status} {said}", "web")
        return answer

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        headers = {"Host": f"{self.domain}:{self.port}", "Connection": "close"} | headers
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.site}
        started = time.monotonic()
        connection = _Connection(self.address, self.port, self.domain, self.timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return Answer(response.status, dict(response.headers), text, time.monotonic() - started)


def forms(page: str) -> dict[str, dict[str, str]]:
    """The fields of each form of a page, by the form's action."""
    return _Forms(page).found


def sign_in(visitor: Visitor, name: str) -> None:
    """Sign in by the form. Raises RehearsalError."""
    visitor.fill("/accounts/login/", "/accounts/login/", login=name, password=PASSWORD)


def publish(visitor: Visitor, name: str, text: str) -> str:
    """Write a kwip; returns its address."""
    visitor.fill("/kwip/", "/kwip/", text=text)
    page = visitor.get(f"/{name}/").text
    address = re.search(rf"/{name}/kwip/\d+/", page)
    if text not in page or address is None:
        raise RehearsalError(f"{text!r} is not on /{name}/", "web")
    return address[0]


def mails(stack: Stack) -> list[dict[str, object]]:
    """The messages in the mail catcher, the newest first."""
    return list(_mailpit(stack, "messages")["messages"])  # type: ignore[call-overload]


def mail_to(stack: Stack, address: str, subject: str = "") -> str:
    """The text of the newest mail to an address; "" if there is none."""
    for message in mails(stack):
        to = [str(one["Address"]) for one in message["To"]]  # type: ignore[attr-defined]
        if address in to and subject in str(message["Subject"]):
            return str(_mailpit(stack, f"message/{message['ID']}")["Text"])
    return ""


def _mailpit(stack: Stack, what: str) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", stack.mail, timeout=10)
    try:
        connection.request("GET", f"/api/v1/{what}")
        return dict(json.loads(connection.getresponse().read()))
    finally:
        connection.close()


def path_of(visitor: Visitor, text: str, begins: str) -> str:
    """The path of the first link in a text whose path begins with ``begins``. Raises RehearsalError."""
    for link in re.findall(rf"{re.escape(visitor.site)}/\S+", text):
        if urlsplit(link).path.startswith(begins):
            return urlsplit(link).path
    raise RehearsalError(f"no link to {begins} in:\n{text}")
