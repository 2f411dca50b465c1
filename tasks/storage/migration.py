"""Tables of older schema versions, converted to the current one."""

import polars as pl

_WITHHELD = "verdict withheld: "
_RULE_AT_END, _RULES_AT_START = r"\(([^()]+)\)$", f"^{_WITHHELD}(.+?) failed; "


def migrated(table: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with the current columns; a column that an older version did not have is null."""
    if table == "runs":  # before version 5 there was only the wall clock
        return rows.with_columns(pl.col("clock").fill_null("wall"))
    if table == "completeness":  # before version 7 a case had one tool
        return rows.with_columns(part=pl.coalesce("part", "case"))
    if table == "checks":
        return rows.with_columns(status=_status())
    if table != "effects":
        return rows
    # before version 3, only the text of `reason` named the checks that withheld a verdict
    reason = pl.col("reason")
    named = pl.coalesce(
        reason.str.extract(_RULE_AT_END), reason.str.extract(_RULES_AT_START), pl.lit("unknown")
    )
    from_reason = pl.when(reason.str.starts_with(_WITHHELD)).then(named)
    return rows.with_columns(withheld_by=pl.coalesce("withheld_by", from_reason))


def _status() -> pl.Expr:
    """The status of a check; before version 4, calibration that lacked data was an error."""
    lacked = (pl.col("status") == "error") & pl.col("rule_id").str.starts_with("calibration.")
    return pl.when(lacked).then(pl.lit("not_judged")).otherwise("status")
