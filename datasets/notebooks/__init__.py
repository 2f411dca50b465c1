"""Notebooks over the datasets (marimo: plain Python files), and pages of their output.

which_tools.py     which tools may run in production on my kernel?
what_changed.py    what changed since last week?
example.py         a made-up dataset for them: two environments, fifteen nights
pages.py           a notebook's outputs as one offline HTML page
examples/          the pages of both, made by `python -m datasets.notebooks`

marimo run datasets/notebooks/which_tools.py                      in the browser, over your data
marimo edit datasets/notebooks/which_tools.py -- --datasets D     to change it
python datasets/notebooks/which_tools.py --datasets D             runs it, shows nothing
"""
