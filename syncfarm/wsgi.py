"""What an WSGI server serves, where no streams are wanted."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
application = get_wsgi_application()
