from django.urls import path

from apps.cspreports import views

urlpatterns = [path("csp-reports/", views.receive, name="csp_reports")]
