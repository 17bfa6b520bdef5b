"""The sample newsroom."""
