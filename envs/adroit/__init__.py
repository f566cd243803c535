"""The Adroit tasks and their experts, with the models of gymnasium-robotics."""
