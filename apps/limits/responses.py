"""The responses to refused requests. A form keeps its input."""

from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from apps.limits.hits import Decision


class Busy(Exception):
    """Too much of the same expensive work runs at the same time. The site answers 503 with Retry-After."""


def refuse(
    request: HttpRequest, refusal: Decision, template: str, form: BaseForm, **context: Any
) -> HttpResponse:
    """The form's page as a 429, with its input and the time until the next attempt."""
    form.add_error(None, refusal.message)
    response = render(request, template, {"form": form} | context, status=429)
    response["Retry-After"] = str(refusal.wait)
    return response


def refuse_click(request: HttpRequest, refusal: Decision) -> HttpResponse:
    """The 429 of a button without a form: a page, or JSON for the page's script."""
    response: HttpResponse = (
        JsonResponse({"error": refusal.message}, status=429)
        if prefers_json(request)
        else render(request, "429.html", {"why": refusal.message}, status=429)
    )
    response["Retry-After"] = str(refusal.wait)
    return response


def prefers_json(request: HttpRequest) -> bool:
    """Whether the client is the page's script, which reads JSON, and not a browser navigating."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
