"""The islands of cart and checkout: their types, their build, and what they do in a browser."""
