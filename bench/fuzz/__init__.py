"""Coverage-guided fuzzing of what reads foreign bytes: `python -m bench.fuzz fetch|mime [--seconds 3600]`.

A target says what may come of an input, worker.py looks for inputs that break that, and run.py reports. Corpus and
findings are kept under var/fuzz; `--replay FILE …` examines some again, which needs no atheris.
"""
