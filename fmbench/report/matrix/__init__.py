"""Success over policies, backbones and network evaluations, from several runs."""
