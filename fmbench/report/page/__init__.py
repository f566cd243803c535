"""The report: one HTML file that shows runs, without a request to anywhere."""
