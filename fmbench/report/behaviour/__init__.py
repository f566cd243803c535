"""How episodes went beyond their success: contact forces, drops, jerk and the furthest stage."""
