"""Training of one policy, exactly resumable after an interruption."""
