"""Subscriptions, what they follow, and their deliveries."""
