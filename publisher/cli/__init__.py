"""Commands, output, exit codes.

Whatever is heavy (aiohttp, SQLAlchemy, babel, pydantic) is imported inside the command that needs it, so that
``publisher --help`` answers at once. A test holds this.
"""
