"""From a raw results tree to rows: this program's trees and those of the published framework.

Imports model, programs, storage, the plan's file and the gates of quality. Never runs anything and
never writes: the same raw tree always gives the same rows.
"""
