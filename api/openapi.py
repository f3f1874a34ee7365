"""The OpenAPI document, from what the views declare: parameters, shapes of answers (api.objects) and of bodies."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from api import objects
from api.selection import ALWAYS

SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method gives: `data` of the envelope. No shape: the envelope alone; media: bytes of that type instead."""

    shape: Any = None
    many: bool = False
    status: int = 200
    media: str = ""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself by existing
    """Describes api.auth.BearerKey."""

    target_class = "api.auth.BearerKey"
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 -- its signature
        """An API key or a grant access token."""
        return {"type": "http", "scheme": "bearer"}


class ContractSchema(AutoSchema):
    """Reads a ContractView's declarations."""

    def is_excluded(self) -> bool:
        """Only what is built is documented."""
        return self.method not in self._declared("answers")

    def get_operation_id(self) -> str:
        """Like grants_messages_list; the view's class does not tell drf-spectacular that it lists."""
        name = super().get_operation_id()
        if word := self._declared("verbs").get(self.method):
            return f"{name.rpartition('_')[0]}_{word}"
        return name.replace("_retrieve", "_list") if self._declared("answers")[self.method].many else name

    def get_tags(self) -> list[str]:
        """The resource: what comes after the grant, if it is under one."""
        words = [word for word in self.path.split("/")[2:] if not word.startswith("{")]
        return [words[1] if words[0] == "grants" and len(words) > 1 else words[0]]

    def get_override_parameters(self) -> Any:
        """The declared query parameters."""
        declared = self._declared("parameters").get(self.method, ())
        return [OpenApiParameter(p.name, type=p.schema, description=p.about) for p in declared]

    def get_request_serializer(self) -> Any:
        """The shape of the body, if one is taken: JSON, and where files go along, a form as well."""
        shape = self._declared("takes").get(self.method)
        if not shape:
            return {}
        body = schema(shape)
        if example := self._declared("examples").get(self.method):
            body = {"allOf": [body], "example": example}
        form = {"multipart/form-data": _form(schema(shape))} if getattr(self.view, "takes_files", False) else {}
        return {"application/json": body, **form}

    def get_response_serializers(self) -> Any:
        """Success and, for everything else, the one error format."""
        answer: Answer = self._declared("answers")[self.method]
        good = {(answer.status, answer.media): {"type": "string", "format": "binary"}} if answer.media else {}
        return {
            **(good or {answer.status: OpenApiResponse(_envelope(answer), description="Success")}),
            "default": OpenApiResponse(schema(objects.Failure), description="Error"),
        }

    def _declared(self, what: str) -> Mapping[str, Any]:
        return getattr(self.view, what, {})


def schema(hint: Any) -> dict[str, Any]:
    """The JSON schema of a type as api.objects uses them; TypedDicts by reference."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": schema(arguments[0])}
    if origin is dict or hint is dict:
        return {"type": "object", "additionalProperties": True}
    if origin in (Union, types.UnionType):
        return _union([each for each in arguments if each is not type(None)], nullable=type(None) in arguments)
    return dict(SCALARS[hint])


def add_components(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's post-processing hook: the shapes that answers refer to."""
    shapes = [shape for shape in vars(objects).values() if is_typeddict(shape)]
    components = result.setdefault("components", {}).setdefault("schemas", {})
    components.update({shape.__name__: _object(shape) for shape in sorted(shapes, key=lambda s: s.__name__)})
    return result


def _form(message: dict[str, Any]) -> dict[str, Any]:
    """What a body with large files is: the JSON as a part, then the files."""
    file = {"type": "string", "format": "binary", "description": "More parts follow: file1, or a content_id."}
    return {"type": "object", "properties": {"message": message, "file0": file}, "required": ["message"]}


def _union(options: Sequence[Any], *, nullable: bool) -> dict[str, Any]:
    described = [schema(option) for option in options]
    if len(described) > 1:
        return {"oneOf": described, **({"nullable": True} if nullable else {})}
    if not nullable:
        return described[0]
    # OpenAPI 3.0: nothing may stand beside a $ref.
    return {"allOf": described, "nullable": True} if "$ref" in described[0] else {**described[0], "nullable": True}


def _object(shape: Any) -> dict[str, Any]:
    fields = get_type_hints(shape)
    required = sorted(ALWAYS.get(shape.__name__.lower(), shape.__required_keys__))  # `select` may leave out the others
    return {
        "type": "object",
        "description": " ".join((shape.__doc__ or "").split()),
        "properties": {name: schema(hint) for name, hint in fields.items()},
        **({"required": required} if required else {}),  # an empty list is not allowed
    }


def _envelope(answer: Answer) -> dict[str, Any]:
    properties: dict[str, Any] = {"request_id": schema(str)}
    if answer.shape is not None:
        properties["data"] = schema(list[answer.shape] if answer.many else answer.shape)  # type: ignore[name-defined]
    if answer.many:
        properties["next_cursor"] = schema(str)
    required = [name for name in properties if name != "next_cursor"]
    return {"type": "object", "properties": properties, "required": required}
