"""One task per module; every class docstring is the task's data sheet."""
