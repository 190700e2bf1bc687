"""Tests of traces: where they lead, what they do not tell, and that nobody waits for who takes them."""
