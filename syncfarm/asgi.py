"""What an ASGI server serves: uvicorn syncfarm.asgi:application."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
application = get_asgi_application()
