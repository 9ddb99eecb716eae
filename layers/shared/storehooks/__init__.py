"""storehooks: registers the webhooks of a store and delivers the store's events to them."""

__version__ = "0.3.0"
