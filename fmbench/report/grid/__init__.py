"""Tables and figures of a grid: one table and figure for each of its sections."""
