"""Tables, charts, Markdown and HTML from the datasets, in Chinese and English.

Frames in, text out. Computes no statistics: a number that is shown was computed elsewhere, or is a
plain count, median or extreme of what was measured. Imports model, storage, statistics.

    campaign_report   every file of a campaign, in one call
      report_page     the report: its sections, in their order
      sections/       one file for each part of the report
      overview        per-tool files in the published places
      workbook        the same numbers for Excel
      summary         one table for terminal, artifact and workbook
    history_page      the page of several nights
      history_changes what changed between them
    what they ask of the data
      bundle          the eight frames of a campaign
      view            what the sections ask of a bundle
      history_view    what the history page asks of several nights
      findings        which failed check concerns which number
      kernel_cost     what BPF programs add to a packet and take for an event
      iterations      what single iterations cost: the dots of the forest
      design_targets  what a class of tools was designed to cost
    what they are made of
      document        sections, tables, cells
      columns         columns that many tables share
      charts/         static SVG; the forest is drawn into the tables (strip)
      page            HTML and Markdown from sections
      markdown        tables of plain texts
      texts           every sentence, Chinese and English
      numbers         how a number is written
"""
