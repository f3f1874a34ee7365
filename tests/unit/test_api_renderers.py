"""Answers that orjson does not write are written by the slower one, with what was JSON already."""

import json

import orjson

from api.renderers import FastJSONRenderer


def test_a_number_above_64_bits_is_written_beside_json_that_is_passed_on() -> None:
    data = {"size": 2**70, "from": orjson.Fragment('[{"name": "Zoë", "email": "zoe@example.test"}]')}
    written = json.loads(FastJSONRenderer().render(data))
    assert written == {"size": 2**70, "from": [{"name": "Zoë", "email": "zoe@example.test"}]}
