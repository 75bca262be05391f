"""One constant page behind Django's usual middleware, as a Django site without this one's code reads sessions
and users: by Django's cache backend and cache session engine, from memcached.

Its connections to memcached stay open, which Django's backend closes after each request: the page is a floor.
"""

from django.apps import AppConfig

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES, MEMCACHED_SERVERS
from kwippy.settings import INSTALLED_APPS as ALL


class Account(AppConfig):
    """allauth's models without its check that its own middleware is there."""

    name = "allauth.account"


INSTALLED_APPS = [f"{__name__}.Account" if app == "allauth.account" else app for app in ALL]
PAGECACHE = None
ROOT_URLCONF = "bench.members.constant_page"
CACHES = CACHES | {
    "floor": {"BACKEND": "bench.members.constant_page.OpenMemcache", "LOCATION": MEMCACHED_SERVERS}
}
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_CACHE_ALIAS = "floor"
AUTHENTICATION_BACKENDS = ["bench.members.constant_page.CachedUserBackend"]
# The middleware of `django-admin startproject`.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
