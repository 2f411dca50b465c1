"""From a raw results tree to rows: this program's trees and those of the published framework.

Imports model, programs, storage and the gates of quality. Runs nothing and writes nothing: the same
raw tree always gives the same rows.
"""
