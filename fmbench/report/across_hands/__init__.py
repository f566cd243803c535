"""Whether policies have the same order on several hands."""
