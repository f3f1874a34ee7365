"""The REST API: parse, call, serialize."""
