"""The OpenAPI document and the page to browse it. Both tell nothing of any mailbox, so they need no key."""

from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView
from rest_framework.renderers import TemplateHTMLRenderer

from api.views.contract import IdentifiedView


class PlainJson(OpenApiJsonRenderer):
    """The document under the media type that everything takes for JSON."""

    media_type = "application/json"


class Document(IdentifiedView, SpectacularJSONAPIView):
    """/v3/openapi.json."""

    authentication_classes = ()
    renderer_classes = [PlainJson, OpenApiJsonRenderer]


class DocumentPage(IdentifiedView, SpectacularSwaggerView):
    """/v3/docs: Swagger UI with assets of our own."""

    authentication_classes = ()
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "openapi"
