"""Cached fragments: the parts of pages that are equal for many requests, rendered once a process, as bytes.

In one minute: ``{% cached_extends "base.html" me=me sort=sort %}`` renders the frame of a page once for each
``me`` and ``sort``, and then takes it from memory. Inside it, ``{% dynamic %}`` marks what each page renders
anew. ``{% cached_fragment name=value %}…{% endcached_fragment %}`` does the same for a part of a template.

    page's context ──values──▶ key (language, values) ──hit──▶ bytes ──┐
                                       │ miss                          ├─▶ joined bytes
                                       └▶ template, with these values  │
    page's context ───────────────────▶ {% dynamic %} parts ───────────┘

Problem (2008)
    Kwippy rendered menu, sidebar, footer and an empty form for each request. On a member's page this takes
    longer than the timeline. Django's ``{% cache %}`` would ask memcached once for each part, and its content
    sees the whole context, so a key that lacks a variable shows one member's data to another.

Mechanism
    - The content is rendered with a context that has the named values and nothing else. A variable that the
      key lacks is therefore empty on the first page that anyone looks at; it never shows another's value.
    - A key takes text, numbers and tuples. Anything else, such as a form or a model, raises TypeError: it
      may change and still be equal to itself.
    - A rendering is a list of bytes and dynamic parts. Each page renders the latter with its own context.
    - A fragment inside another becomes a part of it, shares its bytes, and sees the other's values.
    - `render` joins the bytes of fragments and cards (`insert`) with the encoded rest of the page.
    - A ``{% block %}`` inside either tag raises TemplateSyntaxError: no child could override it.

Switch
    ``FRAGMENT_CACHE_BYTES``, for all fragments of a process together: 0 caches nothing. The tags are in
    ``TEMPLATES`` as a builtin, `apps.fragments.templatetags.fragments`; or ``{% load fragments %}``.

Invariant
    A fragment's HTML depends on its template, the language and the values in its key, and on nothing else.
    There is nothing to invalidate: another value is another key, and a new release is a new process.

When it fails
    It is memory of the process (`apps/nearcache`), with no service behind it. A value that changes on each
    page evicts useful renderings: no gain, bounded memory. What a visitor can choose, as a tag, is therefore
    dynamic. A rendering that raises is not cached. A page that lost an inserted part, or has it twice, raises
    RuntimeError.

How to measure
    It has no published figure of its own. By hand: ``Server-Timing`` with the setting at 0 and at its
    default, as in `docs/decisions/cached-fragments.md`.

Read in this order: `templatetags/fragments.py`, `fragment.py`, `rendering.py`,
`tests/test_cached_extends.py`.
"""

from apps.fragments.rendering import insert, render

__all__ = ["insert", "render"]
