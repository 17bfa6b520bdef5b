"""Bytes as text and as a tree, within limits."""
