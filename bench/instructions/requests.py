"""The requests whose instructions are counted, made by calling the site's WSGI application."""

import io
import re
import time
import uuid
from html import unescape
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from django.contrib.auth import get_user_model

from apps.contact.forms import MIN_SECONDS, new_form_key
from bench.lib.sessions import CSRF, session_of
from kwippy.wsgi import application

# Forms of the contact page, made beforehand: one that is sent at once is refused.
CONTACT_FORMS = 40


class Requests:
    """Each method makes one request, and raises SystemExit where the answer is not the usual one."""

    def __init__(self) -> None:
        self.viewer = get_user_model()._default_manager.order_by("-following_count", "pk")[0]
        self.named = get_user_model()._default_manager.order_by("pk")[0].username
        self.cookie = f"sessionid={session_of(self.viewer)}; csrftoken={CSRF}"
        self.contact_forms = iter([new_form_key() for _ in range(CONTACT_FORMS)])
        self.hits: list[bool] = []
        self.older = ""
        self.sent = 0
        self.published = 0
        self.forms_are_ready = time.monotonic() + MIN_SECONDS + 1

    def page_cache_hit(self) -> None:
        _, headers, _ = answer("GET", "/everyone/")
        self.hits.append(headers["Cache-Status"] == "pagecache; hit")  # the first request stores the page

    def network_page(self) -> None:
        page = self._page("/")
        self.older = self.older or _next(page)

    def deep_network_page(self) -> None:
        self._page(self.older)

    def publish(self) -> None:
        # Another text each time: the same one many times would wait for a moderator.
        self.published += 1
        text = f"kettle {self.published} is on, and it rains. with @{self.named}, who brought cake :)"
        text += " #tea #morning"
        self._post("/kwip/", {"text": text, "form_key": str(uuid.uuid4())}, cookie=self.cookie)

    def contact(self) -> None:
        form = {"name": "ann", "email": "ann@people.example", "subject": "hello", "text": "nice place."}
        if not self.sent:
            time.sleep(max(0.0, self.forms_are_ready - time.monotonic()))
        form["form_key"] = next(self.contact_forms)
        # From a network of its own each time: ten forms an hour are the limit of one.
        self.sent += 1
        self._post("/contact/", form, cookie=f"csrftoken={CSRF}", client=f"10.0.0.{self.sent}")

    def _page(self, address: str) -> bytes:
        status, _, body = answer("GET", address, cookie=self.cookie)
        if status != "200 OK" or b"<article" not in body:
            raise SystemExit(f"bench: {address} was answered by {status}, or shows no kwip")
        return body

    def _post(self, address: str, form: dict[str, str], *, cookie: str, client: str = "127.0.0.1") -> None:
        body = urlencode(form | {"csrfmiddlewaretoken": CSRF}).encode()
        status, _, _ = answer("POST", address, cookie=cookie, body=body, client=client)
        if status != "302 Found":
            raise SystemExit(f"bench: {address} was answered by {status}")


def _next(page: bytes) -> str:
    found = re.search(rb'rel="next" href="([^"]*)"', page)
    if found is None:
        raise SystemExit("bench: the network has one page only")
    return unescape(found[1].decode())


def answer(
    method: str, address: str, *, cookie: str = "", body: bytes = b"", client: str = "127.0.0.1"
) -> tuple[str, dict[str, str], bytes]:
    """The status, the headers and the body of one request."""
    path, _, query = address.partition("?")
    environ: dict[str, object] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "bench",
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_ENCODING": "gzip",
        "REMOTE_ADDR": client,
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    setup_testing_defaults(environ)
    started: list[tuple[str, dict[str, str]]] = []
    answer = application(environ, lambda status, headers, *_: started.append((status, dict(headers))))
    try:
        return *started[0], b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
