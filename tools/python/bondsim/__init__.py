"""bondsim: cycle-level simulation of large-language-model inference on hybrid-bonded near-memory DRAM.

    >>> import bondsim as bs
    >>> e = bs.Experiment("h2llm-llama3-8b-sharegpt")
    >>> e["workload.generated_tokens"] = 2
    >>> r = e.run()
    >>> r.decode.tokens
    2
    >>> 90 < r.decode.tokens_per_s < 95
    True

Times are in seconds and energies in joules unless a name says otherwise. Simulations run in worker processes, as many at a time as are asked
for; Ctrl-C ends them. Bad input raises ConfigError, whose text says file, line, key, what was found and what is allowed; a request that
cannot be met raises InfeasibleError.
"""

from ._core import (BondsimError, ConfigError, GemmShape, InfeasibleError, InternalError, IoError, NmpDevice, NpuDevice, __version__,
                    form_names)
from .experiment import Experiment, configs, configs_directory, schema
from .forms import ClosedForm
from .results import Estimate, Phase, Results, ServingResults, Validation
from .spaces import Space, dse
from .studies import dataflows, serve, sweep, validate

__all__ = [
    "BondsimError", "ClosedForm", "ConfigError", "Estimate", "Experiment", "GemmShape", "InfeasibleError", "InternalError", "IoError",
    "NmpDevice", "NpuDevice", "Phase", "Results", "ServingResults", "Space", "Validation", "__version__", "configs", "configs_directory", "dataflows",
    "dse", "form_names", "schema", "serve", "sweep", "validate"
]
