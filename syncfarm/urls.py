"""Routes, and who answers when none of them does."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from api.views.unbuilt import UnknownPath
from syncfarm import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", health.landing, name="landing"),
    path("healthz", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("v3", UnknownPath.as_view()),  # or it would be redirected to v3/, in HTML
    path("v3/", include("api.urls")),
]
handler400 = "api.errors.bad_request"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"
