"""What policies see: pictures of states, and features of pictures, in training and evaluation."""
