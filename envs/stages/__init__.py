"""Stages of tasks: how far an episode came, and whether it lost what it carried.

They are read from the states of an episode and decide nothing in it: no task refers to them, so
that a definition here changes neither episodes nor task hashes.
"""

from envs.stages.catalogue import add_stages as add_stages
from envs.stages.catalogue import stages_of as stages_of
from envs.stages.declaration import START as START
from envs.stages.declaration import Carry as Carry
from envs.stages.declaration import Stages as Stages
