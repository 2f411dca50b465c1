import marimo

app = marimo.App(width="medium", app_title="What changed since last week?")

with app.setup:
    from datetime import timedelta

    import altair as alt
    import ebpf_overhead
    import marimo as mo
    import polars as pl
    from ebpf_overhead.tasks.statistics.contrasts import compare_runs
    from ebpf_overhead.tasks.statistics.decision_rules import rules_of
    from ebpf_overhead.tasks.statistics.margins import read_margins
    from ebpf_overhead.tasks.statistics.nights import SERIES, changes, history

    WEEK = timedelta(days=7)
    PLACE = ["environment", "layer", "case", "workload"]
    WORDS = {  # verdict of `compare_runs` -> colour, en, zh
        "worse": ("#D55E00", "costs more", "开销增大"),
        "worse_unresolved": ("#B97F00", "costs more, size uncertain", "开销增大，幅度未定"),
        "better": ("#0072B2", "costs less", "开销减小"),
        "same_within_margin": ("#009E73", "no change beyond the margin", "变化未超出容差"),
        "inconclusive": ("#8a949e", "inconclusive", "无法判定"),
    }
    HEADS = {  # column -> en, zh
        "night": ("night", "夜"),
        "environment": ("environment", "环境"),
        "layer": ("layer", "层"),
        "case": ("case", "用例"),
        "workload": ("workload", "负载"),
        "estimate": ("difference (positive = costs more)", "差值（正值为开销增大）"),
        "ci_low": ("95 % CI, low", "95 % 区间下限"),
        "ci_high": ("95 % CI, high", "95 % 区间上限"),
        "unit": ("unit", "单位"),
        "verdict": ("verdict", "判定"),
        "kind": ("kind", "类型"),
        "before": ("before", "变化前"),
        "after": ("after", "变化后"),
    }


@app.cell
def options():
    root = mo.cli_args().get("datasets") or str(ebpf_overhead.PARQUET)
    lang = mo.cli_args().get("lang") or "en"
    return lang, root


@app.cell
def data(lang, root):
    def say(en, zh):
        return zh if lang == "zh" else en

    def named(frame):
        """`frame` with heads in the language, and the layers' words."""
        layers = {"host": say("host", "宿主机"), "vm": say("VM", "虚拟机")}
        heads = {name: zh if lang == "zh" else en for name, (en, zh) in HEADS.items()}
        shown = frame.with_columns(pl.col("layer").replace(layers))
        return shown.rename({name: heads[name] for name in frame.columns})

    tables = ebpf_overhead.open(root)
    newest = tables.latest()
    week_ago = tables.latest(before=newest["started"].max() - WEEK) if newest.height else newest
    _title = say("# What changed since last week?", "# 与上周相比，有什么变化？")
    _no_run = say(
        f"`{root}` holds no run yet. `ebpf-overhead run` or `ebpf-overhead ingest` fills it.",
        f"`{root}` 中还没有任何批次。先用 `ebpf-overhead run` 或 `ebpf-overhead ingest`。",
    )
    _no_week = say(
        "No run is a week older than the newest: there is nothing to compare with yet.",
        "没有比最近批次早一周的批次：暂时无从比较。",
    )
    mo.stop(newest.is_empty(), mo.md(f"{_title}\n\n{_no_run}"))
    mo.stop(week_ago.is_empty(), mo.md(f"{_title}\n\n{_no_week}"))
    mo.md(_title)
    return named, newest, say, tables, week_ago


@app.cell
def compared_runs(newest, week_ago):
    _keys = ["environment", "run", "started"]
    newest.select(_keys).join(week_ago.select(_keys), on="environment", suffix="_before")
    return


@app.cell
def comparison(newest, say, tables, week_ago):
    _then, _now = tables.bundle(week_ago), tables.bundle(newest)
    compared = compare_runs(
        _then.effects, _now.effects, read_margins(), rules_of(_now.runs)
    ).filter("primary")
    moved = compared.filter(pl.col("verdict").is_in(["worse", "worse_unresolved", "better"]))
    mo.md(
        say(
            f"{moved.height} of {compared.height} costs changed. Each is measured against its own "
            "baselines, so changes of the hosts themselves are not included.",
            f"{compared.height} 项开销中有 {moved.height} 项变化。"
            "每项均与自身基线相比，因此不含主机自身的变化。",
        )
    )
    return compared, moved


@app.cell
def moved_costs(moved, named, say):
    _words = {verdict: say(en, zh) for verdict, (_, en, zh) in WORDS.items()}
    named(
        moved.select(*PLACE, "estimate", "ci_low", "ci_high", "unit", "verdict").with_columns(
            pl.col("verdict").replace(_words)
        )
    )
    return


@app.cell
def differences(compared, say):
    _words = {verdict: say(en, zh) for verdict, (_, en, zh) in WORDS.items()}
    _colours = alt.Scale(domain=list(_words.values()), range=[c for c, _, _ in WORDS.values()])
    _base = alt.Chart(compared.with_columns(pl.col("verdict").replace(_words))).encode(
        y=alt.Y("case:N", title=None, axis=alt.Axis(labelLimit=260)),
        color=alt.Color("verdict:N", title=None, scale=_colours, legend=alt.Legend(orient="top")),
    )
    _cost = say("difference of the cost, %", "开销之差，%")
    _intervals = _base.mark_rule(strokeWidth=2).encode(
        x=alt.X("ci_low:Q", title=_cost), x2="ci_high:Q"
    )
    _points = _base.mark_point(filled=True, size=45).encode(x="estimate:Q")
    (_intervals + _points).properties(width=260).facet(
        row=alt.Row("environment:N", title=None), column=alt.Column("workload:N", title=None)
    )
    return


@app.cell
def nights(say, tables):
    nightly = history(tables.effects.filter("primary").collect(), tables.cells.collect())
    # Every case's series holds the hosts' own level; the median of a night's cases represents it.
    levels = (
        nightly.group_by(*(name for name in SERIES if name != "case"), "night")
        .agg(pl.col("baseline").median(), case=pl.lit("baseline"), epoch=pl.lit(""))
        .sort("night")
    )
    lasting = pl.concat([changes(nightly), changes(levels, "baseline")]).sort("night")
    mo.md(
        say(
            f"{lasting.height} lasting changes over all nights (epoch: kernel, tool or settings "
            "changed; level: the value itself did, p ≤ 0.0001). One night alone never counts.",
            f"全部夜晚中共有 {lasting.height} 处持久变化（时期：内核、工具或设置随夜改变；"
            "水平：数值本身改变，p ≤ 0.0001）。单独一夜不算变化。",
        )
    )
    return lasting, levels, nightly


@app.cell
def lasting_changes(lasting, named, say):
    _kinds = {"epoch": say("epoch", "时期"), "level": say("level", "水平")}
    named(
        lasting.select("night", *PLACE, "kind", "before", "after").with_columns(
            pl.col("kind").replace(_kinds)
        )
    )
    return


@app.function
def over_nights(rows, column, colour, title):
    """Each series relative to its own median."""
    own = pl.col(column).median().over(PLACE)
    drawn = rows.with_columns(change=(pl.col(column) / own - 1) * 100)
    lines = (
        alt.Chart(drawn)
        .mark_line(point=True)
        .encode(
            x=alt.X("night:T", title=None),
            y=alt.Y("change:Q", title=title),
            color=alt.Color(
                f"{colour}:N", title=None, legend=alt.Legend(orient="top", labelLimit=260)
            ),
        )
    )
    return lines.properties(width=300, height=170)


@app.cell
def tools_over_nights(nightly, say):
    over_nights(
        nightly,
        "ratio",
        "case",
        say("ratio, % off its median", "比值偏离中位数 %"),
    ).facet(row=alt.Row("environment:N", title=None), column=alt.Column("workload:N", title=None))
    return


@app.cell
def hosts_over_nights(levels, say):
    over_nights(
        levels, "baseline", "workload", say("level, % off its median", "水平偏离中位数 %")
    ).facet(column=alt.Column("environment:N", title=None))
    return


if __name__ == "__main__":
    app.run()
