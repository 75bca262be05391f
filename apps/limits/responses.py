"""Saying no without losing what was typed."""

from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from apps.limits.counter import Admission


class Busy(Exception):
    """More is asked of this machine at the same time than it has memory for; it passes within seconds.

    `kwippy.middleware.BusyMiddleware` answers 503.
    """


def refuse(
    request: HttpRequest, refusal: Admission, template: str, form: BaseForm, **context: Any
) -> HttpResponse:
    """The form's own page as a 429, with what was typed still in it and when it may be sent again."""
    form.add_error(None, refusal.message)
    response = render(request, template, {"form": form} | context, status=429)
    response["Retry-After"] = str(refusal.wait)
    return response


def refuse_click(request: HttpRequest, refusal: Admission) -> HttpResponse:
    """The 429 for what has no form to fill in: a page, or what a script of the page shows beside a button."""
    response: HttpResponse = (
        JsonResponse({"error": refusal.message}, status=429)
        if prefers_json(request)
        else render(request, "429.html", {"why": refusal.message}, status=429)
    )
    response["Retry-After"] = str(refusal.wait)
    return response


def prefers_json(request: HttpRequest) -> bool:
    """Whether the page's own script asks, and not a browser that will show the answer."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
