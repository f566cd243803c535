"""The scripted experts, one per module, and their shared parts."""
