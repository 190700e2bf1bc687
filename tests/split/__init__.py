"""Tests with a primary and its replica."""
