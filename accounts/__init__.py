"""Who: applications, API keys, grants (connected accounts), credentials, providers, sync intent."""
