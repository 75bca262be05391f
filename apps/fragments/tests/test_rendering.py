"""`render`: the same page as Django's, with parts that are never decoded."""

from typing import Any

import pytest
from django import template
from django.conf import LazySettings
from django.shortcuts import render as django_render
from django.template import Context
from django.test import RequestFactory

from apps.fragments import insert, render
from apps.fragments.rendering import CUT

register = template.Library()
TEMPLATES = {
    "page.html": "{% load marked %}ä {% mark 'one 🍵' %}|{{ name }}|"
    "{% include 'part.html' %}{% mark 'two' %}",
    "part.html": "{% load marked %}{% cached_fragment name=name %}<b>{{ name }}</b>{% dynamic %}{% mark n %}"
    "{% enddynamic %}{% mark 'in' %}{% endcached_fragment %}",
    "twice.html": "{% load marked %}{% mark 'one' as held %}{{ held }}{{ held }}",
    "left out.html": "{% load marked %}{% mark 'one' as held %}",
}


@register.simple_tag(takes_context=True)
def mark(context: Context, text: str) -> str:
    return insert(context, f"<i>{text}</i>".encode())


@pytest.fixture(autouse=True)
def _templates(settings: LazySettings) -> None:
    options = {
        "builtins": ["apps.fragments.templatetags.fragments"],
        "libraries": {"marked": __name__},
        "loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)],
    }
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": options}]


def rendered(template_name: str = "page.html", /, **context: Any) -> bytes:
    return render(RequestFactory().get("/"), template_name, context).content


def test_bytes_stand_where_their_tags_stood() -> None:
    for n in ("1", "2"):
        assert rendered(name="tea", n=n).decode() == (
            f"ä <i>one 🍵</i>|tea|<b>tea</b><i>{n}</i><i>in</i><i>two</i>"
        )


def test_it_is_what_django_renders() -> None:
    for _ in range(2):
        context = {"name": "<täglich> 🍵", "n": "1"}
        theirs = django_render(RequestFactory().get("/"), "page.html", context)
        assert rendered(**context) == theirs.content
        assert b"&lt;t\xc3\xa4glich&gt;" in theirs.content


def test_it_takes_a_status() -> None:
    response = render(RequestFactory().get("/"), "page.html", {"name": "", "n": ""}, status=422)
    assert (response.status_code, response["Content-Type"]) == (422, "text/html; charset=utf-8")


@pytest.mark.parametrize("name", ["twice.html", "left out.html"])
def test_a_template_that_loses_a_part_or_repeats_it_is_an_error(name: str) -> None:
    with pytest.raises(RuntimeError, match="inserted part"):
        rendered(name)


def test_text_of_a_visitor_does_not_move_a_part() -> None:
    """No request has a lone surrogate. If a text had one, there would be no page."""
    with pytest.raises(RuntimeError):
        rendered(name=str(CUT), n="1")
    request = RequestFactory().get("/", {"name": "\0"}, QUERY_STRING="name=%ED%B0%80&zero=%00")
    assert CUT not in request.GET["name"]
