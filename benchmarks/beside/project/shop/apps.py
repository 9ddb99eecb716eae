"""The shop whose events are sent. It writes nothing, so that only the packages' work is measured."""

from django.apps import AppConfig
from django.conf import settings


class ShopConfig(AppConfig):
    name = "benchmarks.beside.project.shop"
    label = "shop"

    def ready(self) -> None:
        if settings.PEER == "django-outbound-webhooks":
            from benchmarks.beside.project.shop import events  # noqa: F401
