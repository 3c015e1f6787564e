"""Sweeps after Gilal et al. 2023: binary runs over {blur or not} x {cleaning} x {architectures} x {losses}."""
