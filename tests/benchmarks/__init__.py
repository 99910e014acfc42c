"""Measures the code against other ways of doing the same, side by side in one run.

python -m tests.benchmarks [--quick] [--dir FOLDER] [--rows TEXT ...]
"""
