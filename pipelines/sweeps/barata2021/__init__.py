"""Sweeps after Barata & Santiago 2021: runs over {models} x {optimizers} x {losses} x {sample weightings}."""
