"""Django settings; every value that an operator may change comes from syncfarm.env."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from syncfarm import env

BASE_DIR = Path(__file__).resolve().parent.parent
_db = urlsplit(env.DATABASE_URL or "postgresql://postgres@127.0.0.1:5432/syncfarm")

SECRET_KEY = "development"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "mail",
    "api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "syncfarm.urls"
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": _db.path.lstrip("/"),
    "USER": unquote(_db.username or ""),
    "PASSWORD": unquote(_db.password or ""),
    "HOST": _db.hostname or "",
    "PORT": _db.port or "",
}}
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"

SYNCFARM_SECRET_KEYS: list[str] = ["ZGV2ZWxvcG1lbnQgb25seSwgbm90IGEgc2VjcmV0ISE="]
SYNCFARM_TRUSTED_HOSTS: list[str] = []
SYNCFARM_MAX_MESSAGE_BYTES = 100 * 1024 * 1024
