"""An installation's data as a whole: backup, restore, and the way from one database to another."""
