"""Celery, as its page on Django sets it up."""

from celery import Celery

app = Celery("peers")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
