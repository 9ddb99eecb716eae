"""Deliveries and what is done with them, in memory and in a time of their own."""
