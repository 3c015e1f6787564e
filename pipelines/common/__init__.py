"""What the jobs share: settings, the run folder, data, cleaning, training with resume, export, results."""
