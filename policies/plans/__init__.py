"""Plans: networks with precomputed constants, for fast sampling at inference.

A sampler evaluates the network at the same times in every decision, and with the same observations
at every step of a decision. A plan therefore computes everything that depends on the times once,
everything that depends on the observations once per decision, and at every step only the network's
few large products. Weights are stored in the layout that products read fastest, and every layer
writes into a preallocated buffer.

    times of the sampler  ->  constants of each time       once, when the plan is made
    observations          ->  constants of the decision    `Plan.set_condition`
    noisy chunk           ->  output of the network        `Plan.evaluate`, at every step

CPU time of a decision with the network and with its plan (flow, ten Euler steps, size small; one
thread, median of 9 interleaved rounds):

|      | batch 1           | ratio | batch 64, the harness's | ratio |
|------|-------------------|-------|-------------------------|-------|
| mlp  | 4.17 -> 1.42 ms   | 0.34  | 20.5 -> 11.5 ms         | 0.56  |
| dit  | 16.8 -> 6.2 ms    | 0.37  | 287 -> 200 ms           | 0.70  |
| unet | 13.5 -> 4.2 ms    | 0.31  | 102 -> 87 ms            | 0.86  |

- `policies.plans.planner`: creation, caching and choice of plans.
- `policies.plans.plan`: their base class; `mlp`, `dit` and `unet` are the plans of the backbones.
- `policies.plans.layers`, `policies.plans.conv`: the layers of plans.
"""
