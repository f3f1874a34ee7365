"""Django settings; every value that an operator may change comes from syncfarm.env."""

import hashlib
from urllib.parse import parse_qsl, unquote, urlsplit

from api.settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401 -- settings
from syncfarm import vardir
from syncfarm.admin_site import UNFOLD  # noqa: F401 -- a setting
from syncfarm.env import read_or_stop

_env = read_or_stop()
_farm = None if _env.database_url and _env.redis_url else vardir.running(_env.var)
_database = urlsplit(_env.database_url or (_farm.database_url if _farm else ""))

SYNCFARM_VAR = _env.var
SYNCFARM_SECRET_KEYS: list[str] = vardir.secret_keys(_env)
SYNCFARM_TRUSTED_HOSTS: list[str] = list(_env.trusted_hosts or (_farm.trusted_hosts if _farm else ()))
SYNCFARM_RAW_STORE = _env.raw_store
SYNCFARM_MAX_MESSAGE_BYTES = _env.max_message_bytes
SYNCFARM_MAX_UPLOAD_BYTES = _env.max_upload_bytes
# What syncfarm.bodies lets pass: as base64 (lines of 76 digits, RFC 2045), and room for the message itself.
SYNCFARM_MAX_BODY_BYTES = _env.max_upload_bytes * 78 // 57 + 10 * 1024 * 1024
SYNCFARM_DATABASE_CONNECTIONS = _env.database_connections
SYNCFARM_WATCH_ACCOUNTS = _env.watch_accounts
# Without an address the client names the variable in its error: "connecting to unix:///REDIS_URL-is-not-set".
SYNCFARM_REDIS_URL = _env.redis_url or (_farm.redis_url if _farm else "unix:///REDIS_URL-is-not-set")

# The last key is the oldest: sessions survive when a new key is put in front.
SECRET_KEY = hashlib.sha256(b"django" + SYNCFARM_SECRET_KEYS[0].encode()).hexdigest()
SECRET_KEY_FALLBACKS = [hashlib.sha256(b"django" + key.encode()).hexdigest() for key in SYNCFARM_SECRET_KEYS[1:]]
DEBUG = _env.debug
_public = urlsplit(_env.url)
_https = _public.scheme == "https"
ALLOWED_HOSTS = [*_env.allowed_hosts, *filter(None, [_public.hostname])]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _env.url else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

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
    "syncfarm",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "syncfarm.urls"
ASGI_APPLICATION = "syncfarm.asgi.application"
WSGI_APPLICATION = "syncfarm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "syncfarm.postgresql",
        "NAME": unquote(_database.path.lstrip("/")),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": unquote(_database.hostname or ""),
        "PORT": str(_database.port or ""),
        "OPTIONS": {"application_name": "syncfarm", **dict(parse_qsl(_database.query))},
        # Every caller closes what it opened: a pool of greenlets or threads holds connections only while it uses them.
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # PgBouncer in transaction mode has none
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # straight from the packages: nothing to collect, nothing to be out of date
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # the admin's change lists

CELERY_BROKER_URL = SYNCFARM_REDIS_URL.replace("unix://", "redis+socket://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A task that no worker acknowledged is handed out again after this long; above the longest task, or it would run twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 6 * 3600}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # nothing to clean up, so beat needs no entry for it
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "action"
CELERY_TASK_ROUTES = {
    "syncfarm.dispatch": {"queue": "dispatch"},  # of its own: everything waits for it, and it must wait for nothing
    "syncfarm.sync*": {"queue": "sync"},
    "syncfarm.send": {"queue": "outbound"},
}
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False  # a trace would be a line of the log for each of its words
# A broker that is gone ends no sync: the lease lets nobody else begin it, so a task that comes twice does no harm.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# Syncs are checkpointed and leased: on a stop they get seconds, not minutes.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3.0
CELERY_TIMEZONE = "UTC"
# Its entries: syncfarm.schedule.
CELERY_BEAT_SCHEDULER = "syncfarm.beat:PatientScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "syncfarm.logs.OneLine"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
    "root": {"handlers": ["stdout"], "level": _env.log_level},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # A line for every tick of beat says nothing; Flower shows each task.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "flower": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},  # where it found its credentials
        "flower.inspector": {"level": "ERROR"},  # it asks the workers before they are up
        "flanker.addresslib._parser.parser": {"level": "ERROR"},  # it warns of unused symbols in its own grammar
    },
}
