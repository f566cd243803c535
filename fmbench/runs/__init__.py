"""A whole run in its folder: prepare, train, evaluate, resume, score again."""
