"""Backups: that they are whole or refused, that what comes back is what was there, and the drill."""
