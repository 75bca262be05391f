"""The rules of the Observatory name each fault that they are about."""

import pytest

from tests.support.observatory import Answer, faults

GOOD = {
    "content-type": "text/html",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=()",
    "server": "nginx",
}
POLICY = GOOD["content-security-policy"]
COOKIE = "__Host-sessionid=x; Secure; HttpOnly; SameSite=Lax; Path=/"


def without(directive: str, other: str) -> str:
    return POLICY.replace(directive, other)


def answer(
    text: str = "", cookie: str = COOKIE, url: str = "https://kwippy.example/", **changed: str
) -> Answer:
    headers = GOOD | {name.replace("_", "-"): value for name, value in changed.items()}
    return Answer(url, {name: value.split("|") for name, value in headers.items() if value}, text, [cookie])


def test_a_page_without_faults_has_none() -> None:
    page = '<link rel="stylesheet" href="/static/a.css"><script src="/static/a.js"></script>'
    assert faults(answer(page)) == []
    assert faults(answer(location="/accounts/login/")) == []
    assert faults(answer(location="https://kwippy.example/", url="http://kwippy.example/")) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"content_security_policy": ""}, "no content security policy"),
        ({"content_security_policy": POLICY + "; base-uri 'self'"}, "twice"),
        ({"content_security_policy": without("default-src 'none'", "default-src *")}, "default-src"),
        ({"content_security_policy": without("script-src", "script-src 'unsafe-inline'")}, "script-src"),
        ({"content_security_policy": without("script-src 'self'", "script-src https:")}, "script-src"),
        ({"content_security_policy": without("style-src 'self'", "style-src data:")}, "style-src"),
        ({"content_security_policy": without("script-src", "script-src 'unsafe-eval'")}, "'unsafe-eval'"),
        ({"content_security_policy": POLICY + "; object-src *"}, "object-src"),
        ({"content_security_policy": without("base-uri 'none'; ", "")}, "base-uri"),
        ({"content_security_policy": without("form-action 'self'; ", "")}, "form-action"),
        ({"content_security_policy": without("frame-ancestors 'none'", "")}, "may frame it"),
        ({"content_security_policy": POLICY + "; img-src http://pictures.example"}, "without TLS"),
        ({"cookie": COOKIE.replace("Secure; ", "")}, "without Secure"),
        ({"cookie": COOKIE.replace("HttpOnly; ", "")}, "without HttpOnly"),
        ({"cookie": COOKIE.replace("SameSite=Lax; ", "")}, "without SameSite"),
        ({"cookie": COOKIE.replace("Lax", "None")}, "without SameSite"),
        ({"access_control_allow_origin": "*"}, "other sites may read"),
        ({"location": "https://evil.example/"}, "a redirect to evil.example"),
        ({"location": "//evil.example/"}, "a redirect to evil.example"),
        ({"location": "http://kwippy.example/"}, "plain HTTP"),
        ({"location": "http://kwippy.example/x/", "url": "http://kwippy.example/"}, "plain HTTP"),
        ({"referrer_policy": "unsafe-url"}, "Referrer-Policy"),
        ({"referrer_policy": ""}, "Referrer-Policy"),
        ({"strict_transport_security": ""}, "half a year"),
        ({"strict_transport_security": "max-age=600"}, "half a year"),
        ({"strict_transport_security": "max-age=31536000|max-age=31536000"}, "twice"),
        ({"text": '<script src="https://cdn.example/a.js">'}, "without a hash"),
        ({"text": '<link rel="stylesheet" href="//cdn.example/a.css">'}, "without a hash"),
        ({"x_content_type_options": ""}, "nosniff|X-Content-Type-Options"),
        ({"x_content_type_options": "nosniff|nosniff"}, "twice"),
        ({"x_frame_options": "SAMEORIGIN"}, "may frame it"),
        ({"cross_origin_opener_policy": "unsafe-none"}, "Opener"),
        ({"cross_origin_resource_policy": ""}, "Resource"),
        ({"permissions_policy": ""}, "Permissions"),
        ({"permissions_policy": "camera=(), geolocation=*"}, "Permissions"),
        ({"server": "nginx/1.28.0"}, "tells a version"),
        ({"content_type": "application/json"}, "JSON with a policy"),
    ],
)  # fmt: skip
def test_each_fault_is_named(changed: dict[str, str], fault: str) -> None:
    found = faults(answer(**changed))
    assert any(part in one for one in found for part in fault.split("|")), found
