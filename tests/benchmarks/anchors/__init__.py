"""LeRobot's policies for the paper's sections `anchors` and `anchors-time`, many at a time."""
