"""Plans: copies of a network that are faster to sample from, for inference alone.

A sampler asks for the same times at every decision, and for the same observations at every step of
one. So a plan computes what depends on the times once, what depends on the observations once per
decision, and leaves the network's few large products to the loop of the sampler. Weights are laid
out in the order that products read them, and every layer writes into a buffer that is kept.

    times of the sampler  ->  constants of each time       once, when the plan is made
    observations          ->  constants of the decision    `Plan.set_condition`
    noisy chunk           ->  output of the network        `Plan.evaluate`, at every step

CPU time of a decision, from the network alone to its plan (flow, ten Euler steps, size small; one
thread, median of 9 in turn):

|      | batch 1           | ratio | batch 64, the harness's | ratio |
|------|-------------------|-------|-------------------------|-------|
| mlp  | 4.17 -> 1.42 ms   | 0.34  | 20.5 -> 11.5 ms         | 0.56  |
| dit  | 16.8 -> 6.2 ms    | 0.37  | 287 -> 200 ms           | 0.70  |
| unet | 13.5 -> 4.2 ms    | 0.31  | 102 -> 87 ms            | 0.86  |

- `policies.plans.planner`: which network has a plan, and when it is used.
- `policies.plans.plan`: what a plan is; `mlp`, `dit` and `unet` are those of the backbones.
- `policies.plans.layers`, `policies.plans.conv`: the layers that plans are made of.
"""
