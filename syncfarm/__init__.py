"""The project: settings, processes, embedded services."""
