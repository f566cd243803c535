"""The Adroit tasks and their experts, on the models of gymnasium-robotics."""
