"""The address to which browsers send reports."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps import limits
from apps.cspreports import actions, parsing

# Of a body, in bytes. A report has one or two thousand.
MOST_BYTES = 16_384
TYPES = frozenset({"application/csp-report", "application/reports+json", "application/json"})


# A browser sends no token with a report, and nothing is done in anyone's name.
@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Counts the reports. The answers are for developers: browsers drop them."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isascii() or not length.isdecimal():
        return _refused(411)
    if int(length[:10]) > MOST_BYTES:
        return _refused(413)
    if request.content_type not in TYPES:
        return _refused(415)
    for scope, who in (("csp_report", limits.client_network(request)), ("csp_reports", "all")):
        if not (decision := limits.hit(scope, who)):
            refused = _refused(429)
            refused["Retry-After"] = str(decision.wait)
            return refused
    try:
        actions.count(kinds=parsing.kinds(request.body, host=request.get_host()))
    except parsing.JunkError:
        return _refused(400)
    return HttpResponse(status=204)


def _refused(status: int) -> HttpResponse:
    return HttpResponse("refused\n", content_type="text/plain; charset=utf-8", status=status)
