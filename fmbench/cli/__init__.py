"""Shared parts of the commands: flags, exit codes, progress, interrupts, output folders."""
