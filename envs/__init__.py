"""Dexterous-hand tasks, their scripted experts and their Gymnasium environments."""

from envs.registry import TASKS, task_id


def register_all() -> None:
    """Register `fmbench/<Name>-v<version>` for every task; a second call changes nothing.

    It imports Gymnasium only: a task is compiled when the first environment of it is made.
    """
    from gymnasium.envs.registration import register, registry

    for name, entry in TASKS.items():
        if task_id(name) not in registry:
            register(
                id=task_id(name),
                entry_point="envs.gym_env:HandEnv",
                vector_entry_point="envs.vector_env:HandVectorEnv",
                max_episode_steps=entry.horizon,
                kwargs={"task": name},
            )
