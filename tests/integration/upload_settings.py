"""The farm's settings with the URLconf of the upload tests, for a web process of their own."""

from syncfarm.settings import *  # noqa: F403

ROOT_URLCONF = "tests.integration.upload_urls"
