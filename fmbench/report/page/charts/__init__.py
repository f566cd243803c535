"""Figures of the page: what each shows, and how it is written for a script and for print."""
