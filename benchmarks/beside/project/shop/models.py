"""What django-webhook2 sends events of: a model for the healthy hook, and one for the hook that hangs."""

from django.db import models


class Order(models.Model):
    type = models.CharField(max_length=20)
    number = models.IntegerField()


class Parcel(models.Model):
    type = models.CharField(max_length=20)
    number = models.IntegerField()
