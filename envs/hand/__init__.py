"""The fmbench hand: its model, its scenes, its kinematics."""
