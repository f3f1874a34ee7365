"""The part of the public contract that is about mail, as facts: tests/data/contract.json.

`paths`: of each method its query parameters, request body and good answers; `components`: the schemas these refer to
(OpenAPI 3.1, so JSON Schema 2020-12).
"""

import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from syncfarm.env import BASE_DIR

CONTRACT: Any = json.loads((BASE_DIR / "tests" / "data" / "contract.json").read_text())


def _as_sdks_read_it(components: Any) -> None:
    """Where the structure and both SDKs disagree, the SDKs win."""
    for name in ("common_response", "common_response_with_cursor"):  # lists have a list
        components["schemas"][name]["properties"].pop("data", None)
    listed = components["responses"]["threads"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]
    listed["data"] = listed["data"]["properties"]["threads"]  # not one within an object
    for name in ("200_schedules", "200_schedule_id"):  # in the same envelope as all
        answer = components["responses"][name]["content"]["application/json"]
        data = {"type": "object", "required": ["data"], "properties": {"data": answer["schema"]}}
        answer["schema"] = {"allOf": [{"$ref": "#/components/schemas/common_response"}, data]}


_as_sdks_read_it(CONTRACT["components"])


def operations() -> list[tuple[str, str]]:
    """Every method and path template, like ("GET", "/v3/grants/{grant_id}/messages")."""
    return [(method.upper(), path) for path, methods in CONTRACT["paths"].items() for method in methods]


def parameters(method: str, path: str) -> set[str]:
    """The names of an operation's query parameters."""
    return set(CONTRACT["paths"][path][method.lower()]["parameters"])


def disagreements(method: str, path: str, status: int, answer: Any) -> dict[str, str]:
    """What in an answer's JSON is not as the contract's structure has it, by its place, "data[].x"."""
    described = CONTRACT["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in described:
        described = CONTRACT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    schema = {**described["content"]["application/json"]["schema"], "components": CONTRACT["components"]}
    found = {}
    for error in Draft202012Validator(schema).iter_errors(answer):
        for each in _causes(error):
            place = re.sub(r"\[\d+\]", "[]", each.json_path.removeprefix("$").removeprefix("."))
            found[place] = each.message[-200:]
    return found


def _causes(error: Any) -> list[Any]:
    """Where one of several schemas had to fit: why the first of them that comes closest did not."""
    if not error.context:
        return [error]
    by_schema: dict[Any, list[Any]] = {}
    for each in error.context:
        by_schema.setdefault(each.schema_path[0], []).append(each)
    closest = min(by_schema.values(), key=len)
    return [cause for each in closest for cause in _causes(each)]
