"""Demonstrations: collection by the experts, replay, storage, verification, loading."""
