"""LeRobot's policies for the paper's sections `anchors...`, many trainings at a time."""
