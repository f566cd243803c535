"""The fmbench hand: names and dimensions, model, kinematics."""
