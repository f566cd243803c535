"""Tasks on described hands: one class for all hands, made into one task for each."""
