"""Reads the environment: the only source of settings. A wrong value stops the start with one clear line."""

import os

DATABASE_URL = os.environ.get("DATABASE_URL", "")
REDIS_URL = os.environ.get("REDIS_URL", "")
