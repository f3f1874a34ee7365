"""Routes."""

import importlib.util

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from syncfarm import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", health.landing, name="landing"),
    path("healthz", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
]
if importlib.util.find_spec("api.urls"):
    urlpatterns.append(path("v3/", include("api.urls")))
