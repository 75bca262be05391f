from django.urls import path

from apps.archive import views

urlpatterns = [
    path("settings/export/", views.export, name="export"),
    path("settings/export/<int:export_id>/", views.download, name="download_export"),
    path("settings/import/", views.import_, name="import"),
    path("settings/import/upload/", views.upload, name="upload_import"),
    path("settings/import/apply/", views.apply, name="apply_import"),
]
