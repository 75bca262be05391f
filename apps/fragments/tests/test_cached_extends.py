"""`{% cached_extends %}`: a whole page as one fragment, with nothing of one viewer on the page of another."""

import pytest
from django.template import Context, Engine, TemplateSyntaxError

BASE = """<title>{% block title %}{% endblock %}</title>\
{% dynamic %}{% if messages %}({{ messages }}){% endif %}{% enddynamic %}\
{% cached_fragment site=site %}[{{ site }}{{ user }}]{% endcached_fragment %}\
{% dynamic %}\
{% cached_fragment me=user %}<nav>{{ me }}{{ token }}</nav>{% endcached_fragment %}\
{% enddynamic %}\
{% block main %}empty{% endblock %}"""
PAGE = """{% cached_extends "base.html" site=site sort=sort %}\
{% block title %}{{ sort }}{{ user }}{% endblock %}\
{% block main %}{{ block.super }}, {{ sort }}{{ token }}: \
{% dynamic %}{{ token }}{% enddynamic %}{% endblock %}"""
ENGINE = Engine(
    builtins=["apps.fragments.templatetags.fragments"],
    loaders=[
        (
            "django.template.loaders.locmem.Loader",
            {
                "base.html": BASE,
                "middle.html": '{% extends "base.html" %}{% block title %}middle{% endblock %}',
                "page.html": PAGE,
                "deep.html": PAGE.replace("base.html", "middle.html"),
                "plain.html": '{% extends "base.html" %}{% block main %}{{ user }}{% endblock %}',
            },
        )
    ],
)


def page(name: str = "page.html", **context: str) -> str:
    return ENGINE.get_template(name).render(Context({"site": "kwippy", "sort": "new"} | context))


def test_two_viewers_share_the_frame_and_each_gets_their_own_parts() -> None:
    """The frame names neither of them, so both have one rendering of it."""
    for _ in range(2):
        for user in ("ann", "bob"):
            shown = page(user=user, token=f"secret of {user}")
            assert shown == (f"<title>new</title>[kwippy]<nav>{user}</nav>empty, new: secret of {user}")


def test_what_the_tag_does_not_name_is_missing_from_the_first_page_on() -> None:
    assert page(user="carol", token="t") == "<title>new</title>[kwippy]<nav>carol</nav>empty, new: t"


def test_a_message_is_shown_to_its_viewer_once() -> None:
    assert "(gone)" in page(user="ann", messages="gone")
    assert "gone" not in page(user="ann")
    assert "gone" not in page(user="bob")


def test_each_value_that_it_names_has_its_own_rendering() -> None:
    assert [page(sort=sort).count(sort) for sort in ("new", "active", "new")] == [2, 2, 2]


def test_the_parent_may_itself_extend() -> None:
    for user in ("ann", "bob"):
        assert page("deep.html", user=user) == f"<title>new</title>[kwippy]<nav>{user}</nav>empty, new: "


def test_a_page_that_extends_the_same_parent_without_it_is_rendered_as_a_whole() -> None:
    assert page("plain.html", user="ann") == "<title></title>[kwippy]<nav>ann</nav>ann"


def test_it_takes_a_template_and_then_values_and_comes_first() -> None:
    for text, error in (
        ("{% cached_extends %}", "takes a template"),
        ("{% cached_extends name=name %}", "takes a template"),
        ("{% cached_extends 'base.html' name %}", "name=value"),
        ("{% if a %}{% endif %}{% cached_extends 'base.html' %}", "must be the first"),
        ("{% cached_extends 'base.html' %}{% extends 'base.html' %}", "more than once"),
    ):
        with pytest.raises(TemplateSyntaxError, match=error):
            ENGINE.from_string(text)
