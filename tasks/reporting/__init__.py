"""Tables, charts, Markdown and HTML from the datasets, in Chinese and English.

Frames in, text out. Computes no statistics: a number that is shown was computed elsewhere, or is a
plain count, median or extreme of what was measured. Imports model and storage.

    bundle     the seven frames of a campaign
    view       the frames as the report asks of them
    usage      may the tool run: a rule of its own
    findings   which failed check concerns which number
    document   sections, tables, cells
    sections/  one file for each section
    charts/    static SVG
    page       HTML and Markdown from sections
    report     the campaign's page
    campaign   every file that a campaign leaves to read, in one call
    past       several nights as the history asks of them
    changed    what changed between them
    history    the page of several nights
    summary    one table for terminal and artifact
    overview   per-tool files in the published places
    texts      every sentence, Chinese and English
    numbers    how a number is written
"""
