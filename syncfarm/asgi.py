"""What an ASGI server serves: uvicorn syncfarm.asgi:application."""

import os

from django.core.asgi import get_asgi_application

from syncfarm.bodies import Bounded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
application = Bounded(get_asgi_application())  # type: ignore[arg-type]  # django-stubs takes scopes for plain dicts
