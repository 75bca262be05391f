from django.urls import path

from apps.sitepages import views
from apps.sitepages.models import Slug

# One route each, so that their first segments are reserved user names.
urlpatterns = [path(f"{slug}/", views.page, {"slug": slug.value}, name=f"site_page_{slug}") for slug in Slug]
