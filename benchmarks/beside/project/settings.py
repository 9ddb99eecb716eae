"""A Django project with one of the two packages, as its documentation sets it up.

Read by the Python of .venv-peers alone. ``PEER`` names the package; where its databases listen stands in
the environment too.
"""

import os

PEER = os.environ["PEER"]

SECRET_KEY = os.environ["SECRET"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "benchmarks.beside.project.shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["POSTGRES_PORT"],
        "NAME": "postgres",
        "USER": "peer",
        # Else each task of Celery opens a connection.
        "CONN_MAX_AGE": 600,
    }
}

if PEER == "django-outbound-webhooks":
    INSTALLED_APPS += ["django_domain_events", "django_outbound_webhooks"]
    DJANGO_OUTBOUND_WEBHOOKS = {"ALLOW_PRIVATE_ADDRESSES": True}  # the receiver is on this machine
else:
    INSTALLED_APPS += ["django_webhook"]
    DJANGO_WEBHOOK = {"MODELS": ["shop.Order", "shop.Parcel"], "ADMIN_SITE": None}
    CELERY_BROKER_URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0"
    CELERY_TASK_IGNORE_RESULT = True
    # What Celery advises for tasks that may be repeated: a message is acknowledged when its task is done.
    CELERY_TASK_ACKS_LATE = True
    CELERY_TASK_REJECT_ON_WORKER_LOST = True
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
