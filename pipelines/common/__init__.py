"""What the jobs share: the run folder, the data, training with resume, export, and the report."""
