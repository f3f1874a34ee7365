"""The OpenAPI document and the page to browse it. Both tell nothing of any mailbox, so they need no key."""

from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView
from rest_framework.renderers import JSONRenderer, TemplateHTMLRenderer
from rest_framework.request import Request

from api.parameters import read_query
from api.views.contract import IdentifiedView


class PlainJson(OpenApiJsonRenderer):
    """The document under the media type that everything takes for JSON."""

    media_type = "application/json"


class OpenView(IdentifiedView):
    """Wants no key, knows no parameters; its errors are JSON, whatever it renders else."""

    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises InvalidRequest for any parameter: drf-spectacular would take a version or a language."""
        super().initial(request, *args, **kwargs)
        read_query(request.query_params, ())

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer with its renderer."""
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        if final.exception:
            final.accepted_renderer, final.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return final


class Document(OpenView, SpectacularJSONAPIView):
    """/v3/openapi.json."""

    renderer_classes = [PlainJson, OpenApiJsonRenderer]


class DocumentPage(OpenView, SpectacularSwaggerView):
    """/v3/docs: Swagger UI with assets of our own."""

    renderer_classes = [TemplateHTMLRenderer]
    url_name = "openapi"
