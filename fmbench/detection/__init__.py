"""Detectors for the encoders that see through one: labelled pictures, training, import.

ultralytics trains and reads foreign files in a process of its own, `worker`; only modules that run
there import it.
"""
