"""The suite. One, for both dialects: TEST_DATABASE=sqlite (default) or mysql; the test ids are the same."""
