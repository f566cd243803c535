"""How tests use the processor: one torch thread in each, as the commands have."""

import os

# Read by torch when it is imported, and by the commands that tests start. With one thread for each
# processor in each of two test processes the threads wait for each other: 3.6 times as long here.
os.environ.setdefault("OMP_NUM_THREADS", "1")
