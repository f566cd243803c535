"""One scripted expert per module, and what experts share."""
