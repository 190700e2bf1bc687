"""The kit for testers: page objects, checks, seeds, and what a shop in QA mode answers to nobody else."""
