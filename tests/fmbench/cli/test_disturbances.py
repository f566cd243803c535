"""The words of `--perturb`: what is accepted, and one line for everything else."""

import pytest

from envs.perturb.catalogue import AXES
from fmbench.cli.disturbances import axes_help
from fmbench.config import read_disturbances
from fmbench.errors import FmbenchError

REJECTED = [
    (["mas=2"], "unknown axis 'mas'; did you mean mass? known: act-noise, friction, hidden, kp,"),
    (["mass"], "--perturb is 'mass'; give AXIS=LEVEL, e.g. mass=2; see --help"),
    (["=2"], "--perturb is '=2'; give AXIS=LEVEL"),
    (["mass="], "--perturb is 'mass='; give AXIS=LEVEL"),
    (["mass=2=3"], "--perturb is 'mass=2=3'; mass takes a number from 0.1 to 10 other than 1"),
    (["mass=heavy"], "--perturb is 'mass=heavy'; mass takes a number from 0.1 to 10 other than 1"),
    (["mass=1"], "--perturb is 'mass=1'; mass takes a number from 0.1 to 10 other than 1"),
    (["mass=0"], "mass takes a number from 0.1 to 10"),
    (["mass=nan"], "mass takes a number from 0.1 to 10"),
    (["mass=inf"], "mass takes a number from 0.1 to 10"),
    (["size=2.5"], "--perturb is 'size=2.5'; size takes a number from 0.5 to 2 other than 1"),
    (["obs-stale=1.5"], "obs-stale takes a whole number from 1 to 50"),
    (["hidden=1"], "--perturb is 'hidden=1'; hidden takes on"),
    (["mass=2", "kp=2", "mass=2.0"], "--perturb has 'mass=2' and 'mass=2.0', which are the same"),
]


@pytest.mark.parametrize(("words", "message"), REJECTED)
def test_a_wrong_word_is_explained_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(FmbenchError) as caught:
        read_disturbances(words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_words_are_read_as_rows_have_them_in_the_given_order() -> None:
    words = ["mass=2.0", "hidden=on", "mass=0.50", "obs-stale=4", "push=3e-1"]
    assert read_disturbances(words) == (
        *("mass=2", "hidden=on", "mass=0.5", "obs-stale=4", "push=0.3"),
    )
    lines = axes_help().splitlines()
    assert [line.split()[0] for line in lines] == list(AXES)
    assert max(map(len, lines)) <= 96
