"""The first start on an empty machine, and the first day of the site."""

import http.client
import re
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from deploy.rehearse import manual
from deploy.rehearse.load import WRITERS
from deploy.rehearse.stack import DOMAIN, RehearsalError, Stack, run, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import PASSWORD, Visitor, forms, mail_to, path_of, publish, sign_in

# Members with confirmed addresses, so that none waits for mail.
MEMBERS = """
from allauth.account.models import EmailAddress
from apps.accounts.models import User
for number in range({count}):
    name = f"writer{{number}}"
    user = User.objects.create_user(name, f"{{name}}@{domain}", {password!r})
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


def play(stack: Stack, operator: Operator) -> None:
    """Types the lines of the README; no image exists yet."""
    stack.publish("the site")
    operator.follow("The first start", only="git clone", names={"ADDRESS": str(stack.origin)})
    refuse(stack, operator)
    start(stack, operator, "A site for others", manual.README)
    # The guide has the same lines as the README.
    operator.follow("The first start", only="make")
    operator.follow("The first start", only="docker-compose")
    operator.follow("To try it", only="docker-compose")
    first_day(stack)
    addresses(stack)
    become_operator(stack, operator)
    certify(stack, operator)
    program = MEMBERS.format(count=WRITERS, domain=DOMAIN, password=PASSWORD)
    stack.exec("web", "python", "manage.py", "shell", "-v0", "-c", program)


def refuse(stack: Stack, operator: Operator) -> None:
    """Compose refuses an empty .env before it creates anything."""
    operator.follow("The first start", only="cp")
    done = run(*stack.command, "up", "-d", check=False, cwd=stack.folder, env=stack.environment)
    if done.returncode == 0 or "name the domain" not in done.stderr:
        raise RehearsalError(f"`up` with an empty .env ended with {done.returncode}:\n{done.stderr}")


def start(stack: Stack, operator: Operator, section: str, document: Path = manual.GUIDE) -> None:
    """Types the lines of a first start and fills in `.env` once it exists."""
    if run("docker", "images", "--quiet", stack.name).stdout:
        raise RehearsalError("the image of the site exists already")
    operator.follow(section, document, only="cp")
    settings = stack.settings()
    for line in manual.section(manual.GUIDE, "To try it"):
        if manual.SETTING.match(line.text):
            operator.follow("To try it", only=line.text, names=settings)
    operator.set(**settings)
    operator.follow(section, document, only="make")
    started = time.monotonic()
    operator.follow(section, document, only="docker-compose")
    built = time.monotonic()
    wait_for(lambda: answers(Visitor(stack.https, domain=stack.domain)), "the first page", "nginx")
    timing = f"{built - started:.0f} s with its image; first response {time.monotonic() - built:.1f} s later"
    print(f"{' '.join(stack.command)} up -d: takes {timing}")


def answers(visitor: Visitor) -> bool:
    """Whether the home page is served."""
    try:
        return visitor.get("/").status == 200
    except OSError:
        return False


def join(stack: Stack, name: str) -> Visitor:
    """Signs up and follows the link in the mail."""
    visitor = Visitor(stack.https, domain=stack.domain)
    address, path = f"{name}@{DOMAIN}", "/accounts/signup/"
    visitor.fill(path, path, username=name, email=address, password1=PASSWORD, password2=PASSWORD)
    confirm(stack, visitor, address)
    return visitor


def confirm(stack: Stack, visitor: Visitor, address: str) -> None:
    """Follow the link in the mail that confirms an address."""
    wait_for(lambda: mail_to(stack, address), "the mail that confirms an address", "worker")
    link = path_of(visitor, mail_to(stack, address), "/accounts/confirm-email/")
    # The browser that signed up is signed in at once; another one gets a form.
    for action, fields in forms(visitor.get(link).text).items():
        if action.startswith("/accounts/confirm-email/"):
            # The form's action has another key than the link; both are valid.
            visitor.post(link, fields)


def first_day(stack: Stack) -> None:
    """Signs up, confirms, publishes, reads anonymously, uses the contact form."""
    ann, anonymous = join(stack, "ann"), Visitor(stack.https, domain=stack.domain)
    address = publish(ann, "ann", "the kettle is on")
    # nginx may cache an anonymous page for a second.
    for page in (address, "/ann/", "/everyone/"):
        wait_for(lambda page=page: "the kettle is on" in anonymous.get(page).text, page, "nginx")  # type: ignore[misc]
    for style in re.findall(r'/static/[^"]+\.css', anonymous.get("/").text):
        answer = anonymous.get(style)
        if (answer.status, "immutable" in answer.headers.get("Cache-Control", "")) != (200, True):
            raise RehearsalError(f"{style} was answered with {answer.status} {answer.headers}", "nginx")
        # One by nginx, one by the site; as .env.example has it.
        for told in (answer.headers, anonymous.get("/about/").headers):
            if told.get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains":
                raise RehearsalError(f"hosts below the domain are not told to use TLS: {told}", "nginx")
    write_to_operators(stack, "is anybody there?")
    for name, expected in (("/metrics", 404), ("/metrics/", 404), ("//metrics", 404), ("/nobody/", 404)):
        if (status := anonymous.get(name).status) != expected:
            raise RehearsalError(f"{name} was answered with {status}", "nginx")


def addresses(stack: Stack) -> None:
    """Every absolute URL of the site has its host and port."""
    anonymous = Visitor(stack.https, domain=stack.domain)
    found = {"http leads to": to_https(stack, anonymous)}
    for path in ("/everyone/", "/ann/"):
        for kind in ("canonical", "alternate"):
            page = anonymous.get(path).text
            for tag in re.findall(rf'<link[^>]*rel="{kind}"[^>]*>', page):
                href = re.search(r'href="([^"]+)"', tag)
                found[f"{kind} of {path}"] = href[1] if href else ""
    for link in re.findall(r'(?:href|<id)[=>]"?(https?://[^"<]+)', anonymous.get("/ann/feed.atom").text):
        found[f"Atom: {link}"] = link
    leads = anonymous.get("/kwip/").headers.get("Location", "")
    found["sign in"] = f"{anonymous.site}{leads}" if leads.startswith("/") else leads
    if len(found) < 5:
        raise RehearsalError(f"few URLs found: {found}", "web")
    for where, address in found.items():
        if address.startswith(("http", "https")) and not address.startswith(f"{anonymous.site}/"):
            raise RehearsalError(f"{where}: {address}, which is not below {anonymous.site}", "web")


def to_https(stack: Stack, visitor: Visitor) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", stack.http, timeout=30)
    try:
        connection.request(
            "GET", "/everyone/?sort=active", headers={"Host": f"{visitor.domain}:{stack.http}"}
        )
        answer = connection.getresponse()
        location = answer.headers.get("Location", "")
    finally:
        connection.close()
    if (answer.status, urlsplit(location).query) != (301, "sort=active"):
        raise RehearsalError(f"http was answered with {answer.status} {location}", "nginx")
    return location


def become_operator(stack: Stack, operator: Operator) -> None:
    """Follows the guide: creates an operator, confirms the address, opens the admin."""
    address = f"carol@{DOMAIN}"
    answers = [("name: ", "carol"), ("mail", address), ("Password:", PASSWORD), ("again", PASSWORD)]
    operator.follow("An operator", answers=answers)
    carol = Visitor(stack.https, domain=stack.domain)
    path = "/accounts/login/"
    carol.post(path, carol.form(path, path) | {"login": "carol", "password": PASSWORD})
    confirm(stack, carol, address)
    if carol.get("/admin/").status != 200:
        sign_in(carol, "carol")
    if (status := carol.get("/admin/").status) != 200:
        raise RehearsalError(f"the admin answers an operator with {status}", "web")


def certify(stack: Stack, operator: Operator) -> None:
    """nginx serves the operator's own certificate."""
    names = ["-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}"]
    files = ["-keyout", "privkey.pem", "-out", "fullchain.pem"]
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, *files, cwd=stack.folder)
    operator.follow("A certificate")
    own = (stack.folder / "fullchain.pem").read_text().split()

    def shown() -> bool:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{stack.https}", "-servername", DOMAIN]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return " ".join(own) in " ".join(done.stdout.split())

    wait_for(shown, "the operator's own certificate", "nginx")
    for name in ("privkey.pem", "fullchain.pem"):
        (stack.folder / name).unlink()


def write_to_operators(stack: Stack, subject: str) -> None:
    """Sends the contact form and waits for the mail."""
    anonymous = Visitor(stack.https, domain=stack.domain)
    form = anonymous.form("/contact/", "/contact/")
    time.sleep(3)  # the form refuses a submission within seconds
    form |= {"name": "Bo", "email": f"bo@{DOMAIN}", "subject": subject, "text": "hello from outside"}
    answer = anonymous.post("/contact/", form)
    if answer.status not in (302, 303):
        raise RehearsalError(f"the contact form was answered with {answer.status}", "web")
    wait_for(lambda: mail_to(stack, f"operators@{DOMAIN}", subject), f"the mail {subject!r}", "worker")
