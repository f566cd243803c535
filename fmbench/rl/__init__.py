"""Reinforcement learning with stable-baselines3: environments, training, exact resume."""
