"""Tables, charts, Markdown and HTML from the datasets, in Chinese and English.

Frames in, text out. Computes no statistics: a number that is shown was computed elsewhere.
"""
