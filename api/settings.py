"""How Django REST framework and drf-spectacular are set up; the project's settings take both as they are."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.auth.BearerKey"],
    "DEFAULT_PERMISSION_CLASSES": [],  # BearerKey answers 401 without a key, views look up only what the key may see
    "DEFAULT_RENDERER_CLASSES": ["api.renderers.FastJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "api.openapi.ContractSchema",
    "EXCEPTION_HANDLER": "api.errors.answer",
    "URL_FORMAT_OVERRIDE": None,  # ?format= is an unknown parameter like any other
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Syncfarm",
    "DESCRIPTION": "Whole mailboxes, current and queryable.",
    "VERSION": "3",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # the document tells nothing of any mailbox
    "SCHEMA_PATH_PREFIX": r"/v3",
    "POSTPROCESSING_HOOKS": ["api.openapi.add_components"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": False,
}
