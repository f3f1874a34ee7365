"""The laws of a sync, held against a server that is a model: whatever happens to it, to the line and to the worker."""
