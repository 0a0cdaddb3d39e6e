"""What `python -m bench.report` is made of: collect measures, text and plots show."""
