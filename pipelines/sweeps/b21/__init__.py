"""The grid of Barata & Santiago 2021: {models} x {optimizers} x {base losses} x {sample weightings}."""
