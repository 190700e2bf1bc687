"""Backups: a folder that holds all of a shop at one moment, and the way back. What it is for: docs/backup.md."""
