"""A store of another package for long-term records, beside an engine of ours for everything else."""
