"""What is checked of a table before it is used, what a new edition changes, and how it is told. No I/O."""
