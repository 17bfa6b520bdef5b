"""The aiohttp server: feeds, API, pages."""
