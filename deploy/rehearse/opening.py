"""From an empty machine to people who write to each other."""

import re
import time

from deploy.rehearse.load import WRITERS
from deploy.rehearse.stack import DOMAIN, RehearsalError, Stack, until
from deploy.rehearse.visitor import PASSWORD, Visitor, mail_to, path_of, publish

UP_SECONDS = 60.0
# Members who can write at once, without the mail that each would wait for.
MEMBERS = """
from allauth.account.models import EmailAddress
from apps.accounts.models import User
for number in range({count}):
    name = f"writer{{number}}"
    user = User.objects.create_user(name, f"{{name}}@{domain}", {password!r})
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


def play(stack: Stack) -> None:
    stack.prepare()
    started = time.monotonic()
    stack.compose("build", "web")
    print(f"the image is built in {time.monotonic() - started:.0f} s")
    started = time.monotonic()
    stack.compose("--profile", "dev", "up", "-d")
    visitor = Visitor(stack.https)
    answers(visitor)
    until(lambda: answers(visitor), UP_SECONDS - (time.monotonic() - started), "the first page", "nginx")
    print(f"docker-compose up -d: the site answers after {time.monotonic() - started:.1f} s")
    first_day(stack)
    program = MEMBERS.format(count=WRITERS, domain=DOMAIN, password=PASSWORD)
    stack.exec("web", "python", "manage.py", "shell", "-v0", "-c", program)


def answers(visitor: Visitor) -> bool:
    """Whether the home page comes."""
    try:
        return visitor.get("/").status == 200
    except OSError:
        return False


def first_day(stack: Stack) -> None:
    """Join, confirm, write, be read by strangers, write to the operators."""
    ann, stranger = Visitor(stack.https), Visitor(stack.https)
    ann.fill(
        "/accounts/signup/",
        "/accounts/signup/",
        username="ann",
        email=f"ann@{DOMAIN}",
        password1=PASSWORD,
        password2=PASSWORD,
    )
    until(lambda: mail_to(stack, f"ann@{DOMAIN}"), 20, "the mail that confirms an address", "worker")
    link = path_of(mail_to(stack, f"ann@{DOMAIN}"), "/accounts/confirm-email/")
    # In the browser that signed up, the link signs in.
    ann.get(link)
    address = publish(ann, "ann", "the kettle is on")
    # A page for strangers may be a moment old.
    for page in (address, "/ann/", "/everyone/"):
        until(lambda page=page: "the kettle is on" in stranger.get(page).text, 5, page, "nginx")  # type: ignore[misc]
    for style in re.findall(r'/static/[^"]+\.css', stranger.get("/").text):
        answer = stranger.get(style)
        if (answer.status, "immutable" in answer.headers.get("Cache-Control", "")) != (200, True):
            raise RehearsalError(f"{style} was answered with {answer.status} {answer.headers}", "nginx")
    write_to_operators(stack, "is anybody there?")
    for name, expected in (("/metrics", 404), ("/metrics/", 404), ("//metrics", 404), ("/nobody/", 404)):
        if (status := stranger.get(name).status) != expected:
            raise RehearsalError(f"{name} was answered with {status}", "nginx")


def write_to_operators(stack: Stack, subject: str) -> None:
    """Use the contact form, and see the mail."""
    stranger = Visitor(stack.https)
    form = stranger.form("/contact/", "/contact/")
    time.sleep(3)  # who fills in a form takes a moment
    form |= {"name": "Bo", "email": f"bo@{DOMAIN}", "subject": subject, "text": "hello from outside"}
    answer = stranger.post("/contact/", form)
    if answer.status not in (302, 303):
        raise RehearsalError(f"the contact form was answered with {answer.status}", "web")
    until(lambda: mail_to(stack, f"operators@{DOMAIN}", subject), 90, f"the mail {subject!r}", "worker")
