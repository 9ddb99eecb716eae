"""`make peers`: the local stack beside two Django packages that send webhooks, with their databases."""
