"""The rollout loop: any policy, many episodes at once, one outcome for each episode seed."""
