"""The database itself: connections, transactions, dialects, tables and migrations."""
