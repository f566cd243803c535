"""LeRobot's policies in the harness: their checkpoints, checked, loaded and acting."""
