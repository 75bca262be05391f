"""The contact form and its confirmation page."""

import structlog
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps import limits
from apps.contact import actions, queries
from apps.contact.forms import ContactForm

log = structlog.get_logger("kwippy.contact")

PAGE = "contact/contact.html"


def contact(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        user = request.user
        initial = {"name": user.name, "email": user.email} if user.is_authenticated else {}
        return render(request, PAGE, {"form": ContactForm(initial=initial)})
    form = ContactForm(request.POST)
    try:
        return _submit(request, form)
    except (OperationalError, InterfaceError, OSError) as error:
        log.error("contact message not stored", error=str(error).strip())
        return _unavailable(request, form)


def thanks(request: HttpRequest) -> HttpResponse:
    return render(request, "contact/thanks.html")


def _submit(request: HttpRequest, form: ContactForm) -> HttpResponse:
    if not form.is_valid():
        form.keep_puzzle()
        return render(request, PAGE, {"form": form}, status=422)
    message = {name: form.cleaned_data[name] for name in ("form_key", "name", "email", "subject", "text")}
    if not queries.is_stored(message["form_key"]):
        if not form.spend_puzzle(request, what=str(message["form_key"])):
            return render(request, PAGE, {"form": form}, status=422)
        decision = limits.hit("contact", limits.client_network(request))
        if not decision:
            return limits.refuse(request, decision, PAGE, form)
        member = request.user if request.user.is_authenticated else None
        actions.receive(member=member, **message)
    return redirect("contact_thanks")


def _unavailable(request: HttpRequest, form: ContactForm) -> HttpResponse:
    """Returns the form with what was typed; nothing was stored or mailed."""
    # Rendering must not read the user from the database, which is down.
    request.user = AnonymousUser()
    form.add_error(
        None, _("we can't keep it just now, so it wasn't sent. it is all here: try again in a moment.")
    )
    response = render(request, PAGE, {"form": form}, status=503)
    response["Retry-After"] = "5"
    return response
