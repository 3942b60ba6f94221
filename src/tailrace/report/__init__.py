"""The validation report: read from the published file, told as one page that needs nothing else."""
