"""A run on two blocks of test seeds: the difference, as a table, a sentence and in the terminal."""
