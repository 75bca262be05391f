"""The site under settings of the ladder; without the look-aside cache, cards as `cards.py` renders them."""

from django.conf import settings

from kwippy.wsgi import application

if not getattr(settings, "LADDER_CACHES_CARDS", True):
    from apps.kwips import cards as the_sites
    from bench.ladder import cards

    the_sites.read = cards.read

__all__ = ["application"]
