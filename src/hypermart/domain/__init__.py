"""The shop. No HTTP, no templates, no queue and no payment provider in here."""
