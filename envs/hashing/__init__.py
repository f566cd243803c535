"""What code decides, as text: the definitions that it reaches, with names replaced."""
