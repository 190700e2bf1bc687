"""What tests are made of: tools of the machine, a clock to set, databases."""
