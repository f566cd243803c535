"""What a page shows of tasks and recordings, made where tasks can be built, read where not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from fmbench.storage.recordings import RecordingFacts


@dataclasses.dataclass(frozen=True)
class ObservedField:
    """One named part of an observation; see `envs.fields.Field`."""

    name: str
    size: int
    unit: str
    limit: float
    meaning: str
    pictured: bool


@dataclasses.dataclass(frozen=True)
class DataSheet:
    """What is known about a task.

    Attributes:
        description: One sentence.
        version: Its version.
        horizon: Control steps after which an episode is cut off.
        hold_steps: Consecutive control steps for which success must hold.
        control_period_s: Duration of a control step [s].
        actions: Names of its actions.
        observed: Its observation, in order.
        modes: Names of its equally good ways, if it has several.
        is_sanity: Whether it is a sanity check, which does not rank policies.
        notes: What else its documentation states: heading to text.
    """

    description: str
    version: int
    horizon: int
    hold_steps: int
    control_period_s: float
    actions: tuple[str, ...]
    observed: tuple[ObservedField, ...]
    modes: tuple[str, ...]
    is_sanity: bool
    notes: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class PagePicture:
    """A picture: a file beside the page, or in it.

    Attributes:
        address: Its address, relative to the page, or a `data:` address.
        text: What it shows, for who does not see it.
        width: Columns [px].
        height: Rows [px].
        size: Its bytes.
    """

    address: str
    text: str
    width: int
    height: int
    size: int


@dataclasses.dataclass(frozen=True)
class PlayedStates:
    """The states of a recorded episode, as a page holds them; see `packing.js`.

    Attributes:
        packed: Positions, poses of mocap bodies and commands; empty if the page has no room.
        positions: Generalised positions of a state.
        mocap_values: Numbers that pose the mocap bodies.
        mocap_moves: Whether these differ from state to state.
        commands: Commands of a control step.
        fields: Values of the model in this episode: field, row, numbers.
    """

    packed: str
    positions: int
    mocap_values: int
    mocap_moves: bool
    commands: int
    fields: list[tuple[str, int, list[float]]]


class Shown(NamedTuple):
    """Whose picture it is: a task, and a policy that plays it in a run; the expert has no run."""

    task: str
    policy: str
    run: str = ""


@dataclasses.dataclass(frozen=True)
class PlayedEpisode:
    """One recorded episode of the runs of a page.

    Attributes:
        run: Name of the run; empty if it was played for the page, as by an expert.
        file: Name of its file.
        facts: What was recorded.
        states: Its states.
        film: Its film, if it has one.
    """

    run: str
    file: str
    facts: RecordingFacts
    states: PlayedStates
    film: PagePicture | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """The episode of a row: run, task, policy, sampler, steps, training and episode seed."""
        facts = self.facts
        return (self.run, facts.task, facts.policy, facts.sampler, facts.steps,
                facts.train_seed, facts.episode_seed)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Media:
    """Everything that was made for a page.

    Attributes:
        sheets: Task to its data sheet.
        scenes: Task to its packed scene; see `fmbench.evaluation.scene_description`.
        meshes: Packed meshes by the hash that scenes name.
        episodes: The recorded episodes, those with states first.
        pictures: Contact sheets.
        missing: Task to why nothing was made of it.
        unread: Run and file of a recording to why it is left out.
        reason: Why nothing was made at all; empty if something was.
    """

    sheets: Mapping[str, DataSheet] = dataclasses.field(default_factory=dict)
    scenes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    meshes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    episodes: tuple[PlayedEpisode, ...] = ()
    pictures: Mapping[Shown, PagePicture] = dataclasses.field(default_factory=dict)
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unread: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""
