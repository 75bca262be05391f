"""How often a person may add factors and codes: each time is an entry of the security log, and mail."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.generic.edit import ProcessFormView

from apps import limits


class Counted(ProcessFormView):
    """For a view that adds. What removes needs no limit of its own: it removes what was added."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        decision = limits.hit("factor_change", request.user.pk)
        if not decision:
            return limits.refuse_click(request, decision)
        response: HttpResponse = super().post(request, *args, **kwargs)
        if response.status_code != 302:  # a wrong code, or no room: nothing was added
            decision.refund()
        return response
