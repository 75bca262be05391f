"""Cached fragments: the parts of pages that are equal for many pages or viewers, rendered once a process.

In one minute: ``{% cached_fragment me=user.me %}`` renders its content once for each value of ``me`` and each
language, and then takes it from a dictionary. Inside it, ``{% dynamic %}`` marks what each page renders anew.

    page's context ──values──▶ key (language, values) ──hit──▶ pieces ──┐
                                       │ miss                           ├─▶ joined
                                       └▶ content, with the values only │
    page's context ───────────────────▶ {% dynamic %} parts ────────────┘

Problem (2008)
    Kwippy rendered the frame of each page for each request: menu, sidebar, footer, an empty form. On a
    member's page this takes longer than the timeline, whose cards come from memcached. Django's ``{% cache
    %}`` would ask memcached once for each part, and its content sees the whole context, so a key that lacks a
    variable shows one member's data to another.

Mechanism
    - The content is rendered with a context that has the named values and nothing else. A variable that the
      key lacks is therefore empty on the first page that anyone looks at; it never shows another's value.
    - A key takes text, numbers and tuples. Anything else, such as a form or a model, raises TypeError: it
      may change and still be equal to itself.
    - A dynamic part leaves a cut in the rendering. Each page renders it with its own context, where the
      cut is.
    - Each fragment caches FRAGMENT_CACHE_SIZE renderings and evicts the least recently used. A lock guards
      them, and no rendering happens under it: threads that miss together each render.
    - One level: a fragment inside another raises TemplateSyntaxError, and so does a ``{% block %}`` inside a
      fragment, which no child template could override.

Switch
    ``FRAGMENT_CACHE_SIZE`` in the settings: 0 caches nothing. The tags are in ``TEMPLATES`` as a builtin,
    `apps.fragments.templatetags.fragments`; or ``{% load fragments %}``.

Invariant
    A fragment's HTML depends on its template, the language and the values in its key, and on nothing else.
    There is nothing to invalidate: another value is another key, and a new release is a new process.

When it fails
    It is memory of the process, with no service behind it. A value that changes on each page fills the cache
    with renderings that no page asks for again, up to the size: no gain, bounded memory. A rendering that
    raises is not cached.

How to measure
    The decision and its figures: `docs/decisions/cached-fragments.md`. By hand: ``Server-Timing`` with the
    setting at 0 and at its default.

Read in this order: `templatetags/fragments.py`, `cache.py`, `tests/test_fragments.py`.
"""

from apps.fragments.rendering import insert, render

__all__ = ["insert", "render"]
