"""What: folders, messages, threads, raw store, change log, and the sync itself."""
