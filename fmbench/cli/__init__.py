"""What every command shares: the parser, exit codes, progress, interrupts, the names of tasks."""
