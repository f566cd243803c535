"""Names and properties of every policy, backbone, sampler and encoder, as plain data.

The catalogue is read without torch, also by command lines and reports. An entry's `target`,
"module:name", is imported on first use (`policies.registry.load`). To add an objective, a backbone,
a sampler or an encoder to the suite, write its module and add an entry to the module of its kind
here; classes outside the suite are registered by `policies.objectives.add_objective`,
`policies.backbones.add_backbone` and `policies.encoders.add_encoder`. Small entries are named
tuples to keep `--help` fast: creating a dataclass takes three times as long.
"""

from policies.catalogue.backbones import (
    BACKBONES,
    CONDITIONINGS,
    RECIPE,
    SIZES,
    BackboneEntry,
    Recipe,
)
from policies.catalogue.encoders import ENCODER_CHOICES, ENCODERS, EncoderEntry
from policies.catalogue.executions import (
    BRIDGED,
    EXECUTIONS,
    HOLD,
    MEASURED,
    TRAINED,
    cannot_execute,
)
from policies.catalogue.objectives import (
    COUNTS,
    MORE_COLOURS,
    OPTIONS,
    POLICIES,
    CountOption,
    PolicyEntry,
)
from policies.catalogue.samplers import (
    ADAPTIVE,
    ADAPTIVE_STEPS,
    DIFFUSION_STEPS,
    GRIDS,
    SAMPLERS,
    SHORTCUT_STEPS,
    TOLERANCE,
    SamplerEntry,
    StepLimits,
    limits_of,
)

__all__ = [
    "ADAPTIVE",
    "ADAPTIVE_STEPS",
    "BACKBONES",
    "BRIDGED",
    "CONDITIONINGS",
    "COUNTS",
    "DIFFUSION_STEPS",
    "ENCODERS",
    "ENCODER_CHOICES",
    "EXECUTIONS",
    "GRIDS",
    "HOLD",
    "MEASURED",
    "MORE_COLOURS",
    "OPTIONS",
    "POLICIES",
    "RECIPE",
    "SAMPLERS",
    "SHORTCUT_STEPS",
    "SIZES",
    "TOLERANCE",
    "TRAINED",
    "BackboneEntry",
    "CountOption",
    "EncoderEntry",
    "PolicyEntry",
    "Recipe",
    "SamplerEntry",
    "StepLimits",
    "cannot_execute",
    "limits_of",
]
