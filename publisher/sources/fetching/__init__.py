"""Asking servers politely: pauses, robots.txt, and what is remembered between readings."""
