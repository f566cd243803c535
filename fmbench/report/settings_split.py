"""Rows of a run by setting: those without delay and disturbance, and those of every other one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.storage.rows import HOLD, CellRow


class Setting(NamedTuple):
    """The conditions under which a policy acts; the fields of `CellRow.setting`, plain by default.

    Attributes:
        delay: Control steps from an observation to the first action decided from it.
        execution: How successive chunks are joined.
        perturb: The disturbance, e.g. `mass=2`; empty without one.
    """

    delay: int = 0
    execution: str = HOLD
    perturb: str = ""


PLAIN = Setting()


def split_settings(rows: pd.DataFrame) -> dict[Setting, pd.DataFrame]:
    """Return the rows of every setting, the plain one first, the others in order of appearance.

    Args:
        rows: Frame of a kind of `CellRow`.

    Returns:
        Setting to its rows, numbered from 0; the plain setting is there even without rows.
    """
    names, is_plain = list(CellRow.setting), is_of_plain_setting(rows)
    if is_plain.all():
        return {PLAIN: rows.reset_index(drop=True)}
    split = {PLAIN: rows[is_plain].reset_index(drop=True)}
    others = rows[~is_plain]
    groups: Any = others.groupby(names, sort=False).indices
    for (delay, execution, perturb), places in groups.items():
        setting = Setting(int(delay), str(execution), str(perturb))
        split[setting] = others.iloc[places].reset_index(drop=True)
    return split


def is_of_plain_setting(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row whether it is without delay and disturbance."""
    columns = [rows[name].to_numpy() == value for name, value in PLAIN._asdict().items()]
    return np.array(np.logical_and.reduce(columns), dtype=bool)


def plain_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without delay and disturbance."""
    return split_settings(rows)[PLAIN]
