"""Metadata: pairs of words that an application keeps with a message, as requests bring and filters ask for them."""

from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from api.parameters import Parameter

PAIRS = 50
KEY, VALUE = 40, 500  # characters


class _Word(serializers.CharField):
    """A string that is kept as it is. Numbers are refused: they would come back as something else than was sent."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MetadataField(serializers.DictField):
    """A field of a form: up to 50 pairs, which replace all that were there. null takes them away, as {} does."""

    def __init__(self, **options: Any) -> None:
        word = _Word(max_length=VALUE, allow_blank=True, trim_whitespace=False)
        super().__init__(child=word, **{"required": False, "allow_null": True, **options})

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Raises ValidationError that names the key."""
        found: dict[str, str] = super().to_internal_value(data)
        if len(found) > PAIRS:
            raise serializers.ValidationError(f"At most {PAIRS} pairs, not {len(found)}.")
        for key in found:
            if not 0 < len(key) <= KEY:
                raise serializers.ValidationError(f"The key '{key[:KEY]}' must have 1 to {KEY} characters.")
            ProhibitNullCharactersValidator()(key)
            ProhibitSurrogateCharactersValidator()(key)
        return found


def pair(name: str, about: str) -> Parameter:
    """A "key:value" as {key: value}; the key ends at the first colon."""

    def read(values: list[str]) -> dict[str, str]:
        key, colon, value = values[0].partition(":")
        if len(values) > 1 or not colon or not 0 < len(key) <= KEY or len(value) > VALUE:
            raise ValueError(f"given once, as key:value, with at most {KEY} and {VALUE} characters")
        return {key: value}

    return Parameter(name, read, about)
