"""Pictures of simulations: what they depend on, and two renderers that draw them."""
