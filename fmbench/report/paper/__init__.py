"""The text of a paper: written by hand, its numbers filled in from the tables of a grid."""
