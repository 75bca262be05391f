"""What kwippy's optimizations are worth, measured: `python -m bench NAME [--size small|full]`.

Each module here is a subject. It measures rival ways to do one thing against each other in one run: they take
turns, round by round, so that a slow moment of the machine hits all of them; a figure is the median of the
rounds. `results/NAME.json` has the ratios that the documentation speaks of, every round, and the machine.
"""
