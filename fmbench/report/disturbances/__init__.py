"""A run with disturbances: what each costs a policy, as tables, in Markdown and in the terminal."""
